/**
 * One request of ours is carried out by the bucket and its answer is lost; programs go on before it
 * is known what became of it. For tests that try every kind of request with every way to go on.
 */
import { expect } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore, type ScriptedFault } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { PailError } from '../../shared/errors.ts'
import { ReferenceTree } from '../model/reference-tree.ts'
import { BareEngine } from './bare-engine.ts'
import { FakeClock } from './fake-clock.ts'
import { Paths } from './paths.ts'

export type LostAnswer = {
  /** Objects that were in the bucket before, by key. */
  readonly before?: Readonly<Record<string, string | Uint8Array>>
  /** Carried out, and in the bucket, before anything goes wrong; see `act` for the form. */
  readonly prepare?: readonly string[]
  /** What makes the engine send the request. */
  readonly cause: readonly string[]
  /** The request that is carried out without an answer. */
  readonly lost: Pick<ScriptedFault, 'operation' | 'key' | 'nth'>
  /** What programs do after that, while the network is away. */
  readonly then: readonly string[]
  readonly isKilled: boolean
  /** The server's ETags say nothing of the content. */
  readonly hasOpaqueEtags?: boolean
}

/** What may become of the engine while the answer is lost: everything has to be well after each. */
export const ENDS = [
  { isKilled: true, how: 'After a crash' },
  { isKilled: false, how: 'Without a crash' },
] as const

type Continuation = {
  readonly then: readonly string[]
  readonly how: string
}

export function continuationsOf(all: ReadonlyArray<readonly string[]>): Continuation[] {
  return all.map((then) => ({ then, how: then.join(', ') || 'nothing more' }))
}

/** With a crash and without by turns: half of what `ENDS` makes of them. */
export function inTurns(all: ReadonlyArray<readonly string[]>) {
  return continuationsOf(all).map((one, at) => ({ ...one, isKilled: at % 2 === 0 }))
}

/** Paths and contents, a folder ends in a slash. */
type Contents = Readonly<Record<string, string>>

type Doer = {
  readonly write: (path: string, offset: number, bytes: Uint8Array, empties: boolean) => Result
  readonly append: (path: string, bytes: Uint8Array) => Result
  readonly copy: (from: string, to: string) => Result
  readonly rename: (from: string, to: string) => Result
  readonly mkdir: (path: string) => Result
  readonly unlink: (path: string) => Result
  readonly rmdir: (path: string) => Result
  readonly chmod: (path: string, mode: number) => Result
}
type Result = string | Promise<string>

/** Carries out one line: the name of an operation and its words, as `rename a b` or `write a text`. */
async function act(on: Doer, line: string): Promise<string> {
  const [operation, path = '', word = ''] = line.split(' ')
  switch (operation) {
    case 'write':
      return on.write(path, 0, Buffer.from(word), true)
    case 'large':
      return on.write(path, 0, largeBytes(Number(word)), true)
    case 'append':
      return on.append(path, Buffer.from(word))
    case 'copy':
      return on.copy(path, word)
    case 'rename':
      return on.rename(path, word)
    case 'mkdir':
      return on.mkdir(path)
    case 'unlink':
      return on.unlink(path)
    case 'rmdir':
      return on.rmdir(path)
    case 'chmod':
      return on.chmod(path, Number.parseInt(word, 8))
    default:
      throw new Error(`no such operation: ${line}`)
  }
}

function largeBytes(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  for (let at = 0; at < sizeBytes; at += 4096) bytes[at] = 1 + ((at / 4096) % 251)
  return bytes
}

const SETTLE_TURNS = 12

/** @returns what is not as programs made it, in words; nothing when all is well */
export async function loseAnswer(one: LostAnswer): Promise<string[]> {
  const clock = new FakeClock(1_800_000_000_000, SETTLE_TURNS)
  const bucket = new MemoryObjectStore({ clock, hasOpaqueEtags: one.hasOpaqueEtags === true })
  const reference = new ReferenceTree()
  for (const [key, content] of Object.entries(one.before ?? {})) {
    bucket.putDirect(key, content)
    reference.plant(key, Buffer.from(content))
  }
  const store = new FlakyObjectStore(bucket, { clock, random: new SeededRandom(1) })
  let engine = await BareEngine.start({ store, clock, random: new SeededRandom(3) })
  const drive = <T>(work: Promise<T>) => clock.until(work)
  let paths = new Paths(engine, drive)
  const actAll = async (lines: readonly string[]) => {
    for (const line of lines) {
      expect(await act(paths, line), line).toBe('ok')
      expect(await act(reference, line), line).toBe('ok')
    }
  }
  try {
    await look(paths)
    await actAll(one.prepare ?? [])
    await engine.flush()
    let wasLost = false
    const hook = () => {
      wasLost = true
      store.setOffline(true)
      throw new PailError('net/reset', 'the answer is lost')
    }
    store.setScript([{ ...one.lost, fault: { kind: 'hook', when: 'after', hook } }])
    await actAll(one.cause)
    await clock.advance(30_000)
    expect(wasLost, `${store.calls.join(', ')}: the request was carried out`).toBe(true)
    if (one.isKilled) {
      engine = await engine.killed()
      paths = new Paths(engine, drive)
    }
    await actAll(one.then)
    await clock.advance(1_000)
    const expected = contentsOf(reference)
    store.setScript(LISTINGS_ONLY)
    store.setOffline(false)
    await clock.advance(40_000)
    const early = Object.keys(await look(paths, false)).filter((path) => !(path in expected))
    store.setScript([])
    await clock.advance(300_000)
    const changesLeft = (await engine.flush()).files
    await clock.advance(120_000)
    const uploads = bucket.openUploads()
    return [
      ...early.map((path) => `shown early: ${path}`),
      ...(changesLeft > 0 ? [`changes left: ${changesLeft}`] : []),
      ...(uploads > 0 ? [`uploads left open: ${uploads}`] : []),
      ...differences('folder', await look(paths), expected),
      ...differences('bucket', await seenElsewhere(bucket), expected),
      ...bucket.keys().flatMap((key) => (key in expected ? [] : [`bucket: key ${key}`])),
    ]
  } finally {
    await engine.close()
  }
}

/** Folders are looked at, and nothing is cleaned up yet. */
const LISTINGS_ONLY = (['head', 'put', 'copy', 'delete', 'deleteBatch'] as const).map(
  (operation) => ({ operation, fault: { kind: 'error', code: 's3/busy' } as const }),
)

function differences(where: string, found: Contents, expected: Contents): string[] {
  const paths = new Set([...Object.keys(found), ...Object.keys(expected)])
  return [...paths].flatMap((path) => {
    const [is, shall] = [found[path], expected[path]]
    if (is === shall) return []
    return [`${where}: ${path} is ${is ?? 'not there'}, was made ${shall ?? 'by nobody'}`]
  })
}

/** What another computer sees, folders included. */
async function seenElsewhere(bucket: MemoryObjectStore): Promise<Contents> {
  const clock = new FakeClock(1_900_000_000_000, SETTLE_TURNS)
  const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(5) })
  try {
    return await look(new Paths(engine, (work) => clock.until(work)))
  } finally {
    await engine.close()
  }
}

function contentsOf({ entries }: ReferenceTree): Contents {
  const contents: Record<string, string> = {}
  for (const [path, entry] of entries) {
    if (path === '') continue
    if (entry.kind === 'file') contents[path] = textOf(entry.bytes)
    else contents[`${path}/`] = 'folder'
  }
  return contents
}

async function look(paths: Paths, readsFiles = true, folder = ''): Promise<Contents> {
  const contents: Record<string, string> = {}
  for (const { name, kind } of await paths.names(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (kind === 'directory') {
      contents[`${path}/`] = 'folder'
      Object.assign(contents, await look(paths, readsFiles, path))
    } else contents[path] = readsFiles ? textOf(await paths.read(path)) : ''
  }
  return contents
}

/** Short where bytes are many, so that differences can be read. */
function textOf(bytes: Uint8Array): string {
  if (bytes.length <= 100) return Buffer.from(bytes).toString()
  let sum = 0
  for (const byte of bytes) sum = (sum * 31 + byte) % 1_000_000_007
  return `${bytes.length} bytes, ${sum}`
}
