/**
 * Whether what is to be deleted still is the version that the program saw.
 *
 * A deletion has no condition that every S3 server knows, so the bucket is looked at just before:
 * one HEAD for each of a few keys, one LIST for up to a thousand neighbours. Between look and
 * deletion remain milliseconds.
 *
 * Never: deletes. What cannot be looked up is not deleted: the failure is the caller's.
 */
import type { Etag, ObjectInfo, ObjectStore } from '../s3/object-store.ts'
import type { Requests } from './requests.ts'
import { headOrNone } from './upload-job.ts'
import { isSameEtag } from './upload-proof.ts'

/** So many keys are asked for one by one: cheaper than a listing, with most providers. */
const HEADS_MAX = 3
const PAGE_KEYS = 1000

export type DeleteCheckParts = {
  readonly store: ObjectStore
  readonly requests: Requests
  readonly signal: AbortSignal
}

export type Expected = { readonly key: string; readonly etag: string }

export type DeleteCheck = {
  /** Another version stands there now. */
  readonly changed: Map<string, ObjectInfo>
  /** Nothing stands there any more. */
  readonly gone: ReadonlySet<string>
}

/** @throws what the requests fail with */
export async function checkBeforeDelete(
  parts: DeleteCheckParts,
  expected: readonly Expected[],
): Promise<DeleteCheck> {
  const found = await lookUp(
    parts,
    expected.map(({ key }) => key),
  )
  const changed = new Map<string, ObjectInfo>()
  const gone = new Set<string>()
  for (const { key, etag } of expected) {
    const object = found.get(key)
    if (!object) gone.add(key)
    // The brand is lost on the way through the database.
    else if (!isSameEtag(object.etag, etag as Etag)) changed.set(key, object)
  }
  return { changed, gone }
}

async function lookUp(
  parts: DeleteCheckParts,
  keys: readonly string[],
): Promise<Map<string, ObjectInfo>> {
  const found = new Map<string, ObjectInfo>()
  const left = keys.length <= HEADS_MAX ? [...keys] : await listAll(parts, keys, found)
  for (let at = 0; at < left.length; at += HEADS_MAX) {
    await Promise.all(left.slice(at, at + HEADS_MAX).map((key) => headOne(parts, key, found)))
  }
  return found
}

async function headOne(
  { store, requests, signal }: DeleteCheckParts,
  key: string,
  found: Map<string, ObjectInfo>,
): Promise<void> {
  const head = await requests.run('background', (one) => headOrNone(store, key, one), signal)
  if (head) found.set(key, head)
}

/**
 * Passes over the keys in their order, jumping where nothing of ours lies in between.
 * @returns keys that listings do not reach, on a server that does not begin where it is told
 */
async function listAll(
  { store, requests, signal }: DeleteCheckParts,
  keys: readonly string[],
  found: Map<string, ObjectInfo>,
): Promise<string[]> {
  const wanted = [...keys].sort(compareKeys)
  let next = 0
  let passed: string | undefined
  while (next < wanted.length) {
    const first = wanted[next] ?? ''
    const prefix = commonFolder(first, wanted.at(-1) ?? '')
    const jump = keyBefore(first)
    const startAfter: string | undefined =
      passed !== undefined && compareKeys(passed, jump) > 0 ? passed : jump
    const isInside = startAfter.startsWith(prefix) && startAfter.length > prefix.length
    const page = await requests.run(
      'background',
      (one) => store.list({ prefix, keysMax: PAGE_KEYS, ...(isInside ? { startAfter } : {}) }, one),
      signal,
    )
    for (const object of page.objects) found.set(object.key, object)
    const last = page.objects.at(-1)?.key
    if (page.next === undefined || last === undefined) return []
    if (passed !== undefined && compareKeys(last, passed) <= 0) return wanted.slice(next)
    passed = last
    while (next < wanted.length && compareKeys(wanted[next] ?? '', last) <= 0) next++
  }
  return []
}

/** The folder that both keys lie in: what a listing is narrowed to. */
function commonFolder(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, a.lastIndexOf('/', length - 1) + 1)
}

/** Just before `key` in the order of keys, or at least not after it. */
function keyBefore(key: string): string {
  const characters = [...key]
  const code = characters.pop()?.codePointAt(0) ?? 0
  const stem = characters.join('')
  // Below the space lie control characters, below U+E000 the surrogates: neither ends a key.
  return code > 0x21 && code !== 0xe000 ? stem + String.fromCodePoint(code - 1) : stem
}

/** As servers order keys: by their bytes in UTF-8. */
function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
