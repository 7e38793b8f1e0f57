/**
 * What programs do in a folder while the network fails, and what may be in the bucket afterwards.
 */
import { join } from 'node:path'
import type { Content, FileTask } from '../support/file-program.ts'
import { Dice, MIB } from '../support/tree.ts'

const KIB = 1024
const isFull = process.env.PAIL_FAULTS === 'full'
/** Above the largest single PUT. */
const LARGE_BYTES = (isFull ? 40 : 17) * MIB + 321
const LARGE_READ_BYTES = (isFull ? 40 : 9) * MIB + 77
export const LARGE_READ = 'known/large/read'
const PATCH = { at: 3 * MIB + 5, sizeBytes: 20 * KIB }
const LISTED_FILES = 25
const PATCH_STEP_BYTES = 256 * KIB

/** Listed before the network fails, or never seen. */
export const FLAVOURS = ['known', 'fresh'] as const
type Flavour = (typeof FLAVOURS)[number]

/** Keys and their content; undefined: no such object. */
export type Found = (key: string) => Buffer | undefined

export type Planned = {
  readonly name: string
  readonly flavour: Flavour
  readonly task: (dir: string) => FileTask
  /** Keys that it changes. */
  readonly keys: readonly string[]
  /** @returns what is wrong with the bucket; nothing when all is well */
  readonly judge: (found: Found, outcome: { isOk: boolean }) => string[]
  /** What a listing must show. */
  readonly names?: readonly string[]
  readonly sizeBytes?: number
}

/** The bucket before: key and content. */
export function seededObjects(): Map<string, Content> {
  const objects = new Map<string, Content>()
  const add = (key: string, sizeBytes: number) =>
    objects.set(key, { seed: objects.size + 1, sizeBytes })
  for (const flavour of FLAVOURS) {
    for (let index = 0; index < LISTED_FILES; index++) add(`${flavour}/list/file ${index}`, 10)
    for (const name of ['read/small', 'stat/one', 'move/file', 'over/file', 'write/other']) {
      add(`${flavour}/${name}`, 20 * KIB)
    }
    for (const name of ['1', '2', '3', 'sub/4']) {
      add(`${flavour}/dir/${name}`, 3 * KIB)
      add(`${flavour}/tree/${name}`, 3 * KIB)
    }
  }
  add(LARGE_READ, LARGE_READ_BYTES)
  add('known/large/patch', LARGE_BYTES)
  return objects
}

export function bytesOf({ seed, sizeBytes }: Content): Buffer {
  return new Dice(seed).bytes(sizeBytes)
}

/** Everything that runs side by side in one trial. */
export function plannedTasks(seeded: ReadonlyMap<string, Content>): Planned[] {
  const contentAt = (key: string): Content => {
    const content = seeded.get(key)
    if (!content) throw new Error(`${key} is not seeded`)
    return content
  }
  const both = FLAVOURS.flatMap((flavour) => [
    ...reading(flavour, contentAt),
    writing({ name: 'write', flavour, key: `${flavour}/write/small`, sizeBytes: 30 * KIB }),
    writing({
      name: 'overwrite',
      flavour,
      key: `${flavour}/over/file`,
      sizeBytes: 25 * KIB,
      before: contentAt(`${flavour}/over/file`),
    }),
    renaming(flavour, 'rename', { 'move/file': 'move/renamed' }, contentAt),
    renaming(flavour, 'rename dir', movedFolder(), contentAt, ['dir', 'dir moved']),
    removing(flavour, contentAt),
  ])
  return [
    ...both,
    reader('read large', 'known', LARGE_READ, contentAt),
    patching(contentAt('known/large/patch')),
    writing({
      name: 'write large',
      flavour: 'known',
      key: 'known/write/large',
      sizeBytes: LARGE_BYTES,
    }),
  ]
}

type ContentAt = (key: string) => Content

function reading(flavour: Flavour, contentAt: ContentAt): Planned[] {
  const names = Array.from({ length: LISTED_FILES }, (_, index) => `file ${index}`).sort()
  const key = `${flavour}/stat/one`
  return [
    reader('read', flavour, `${flavour}/read/small`, contentAt),
    {
      ...{ name: 'list', flavour, keys: [], judge: () => [], names },
      task: (dir) => ({ do: 'list', path: join(dir, flavour, 'list') }),
    },
    {
      ...{ name: 'stat', flavour, keys: [], judge: () => [] },
      sizeBytes: contentAt(key).sizeBytes,
      task: (dir) => ({ do: 'stat', path: join(dir, key) }),
    },
  ]
}

function reader(name: string, flavour: Flavour, key: string, contentAt: ContentAt): Planned {
  const expected = contentAt(key)
  const task = (dir: string) => ({ do: 'read', path: join(dir, key), expected }) as const
  return { name, flavour, keys: [], judge: () => [], task }
}

type Writing = {
  readonly name: string
  readonly flavour: Flavour
  readonly key: string
  readonly sizeBytes: number
  readonly before?: Content
}

function writing({ name, flavour, key, sizeBytes, before }: Writing): Planned {
  const content = { seed: 7_000 + key.length * 31 + name.length, sizeBytes }
  return {
    name,
    flavour,
    keys: [key],
    task: (dir) => ({ do: 'write', path: join(dir, key), content }),
    judge: (found, { isOk }) => {
      const bytes = found(key)
      const wanted = bytesOf(content)
      if (bytes?.equals(wanted)) return []
      if (isOk) return [bytes ? `CORRUPT ${key}` : `LOST ${key}`]
      const old = before ? bytesOf(before) : undefined
      const isOld = bytes === undefined ? !old : old?.equals(bytes)
      // A program that failed half-way has written what was accepted until then.
      const isPart = bytes && wanted.subarray(0, bytes.length).equals(bytes)
      return isOld || isPart ? [] : [bytes ? `CORRUPT ${key}` : `LOST ${key}`]
    },
  }
}

function patching(before: Content): Planned {
  const key = 'known/large/patch'
  const content = { seed: 4_711, sizeBytes: PATCH.sizeBytes }
  return {
    name: 'patch large',
    flavour: 'known',
    keys: [key],
    task: (dir) => ({ do: 'patch', path: join(dir, key), at: PATCH.at, content }),
    judge: (found, { isOk }) => {
      const bytes = found(key)
      if (!bytes) return [`LOST ${key}`]
      const old = bytesOf(before)
      const patched = Buffer.from(old)
      bytesOf(content).copy(patched, PATCH.at)
      if (bytes.equals(patched)) return []
      return !isOk && isMix(bytes, old, patched) ? [] : [`CORRUPT ${key}`]
    },
  }
}

/** Each accepted write is there or not. */
function isMix(bytes: Buffer, old: Buffer, patched: Buffer): boolean {
  if (bytes.length !== old.length) return false
  for (let at = 0; at < bytes.length; at += PATCH_STEP_BYTES) {
    const end = at + PATCH_STEP_BYTES
    const piece = bytes.subarray(at, end)
    if (!piece.equals(old.subarray(at, end)) && !piece.equals(patched.subarray(at, end)))
      return false
  }
  return true
}

function movedFolder(): Record<string, string> {
  const names = ['1', '2', '3', 'sub/4']
  return Object.fromEntries(names.map((name) => [`dir/${name}`, `dir moved/${name}`]))
}

function renaming(
  flavour: Flavour,
  name: string,
  moves: Readonly<Record<string, string>>,
  contentAt: ContentAt,
  paths = Object.entries(moves)[0] ?? ['', ''],
): Planned {
  const pairs = Object.entries(moves).map(([from, to]) => ({
    from: `${flavour}/${from}`,
    to: `${flavour}/${to}`,
  }))
  return {
    name,
    flavour,
    keys: pairs.flatMap(({ from, to }) => [from, to]),
    task: (dir) => ({
      do: 'rename',
      path: join(dir, flavour, paths[0] ?? ''),
      to: join(dir, flavour, paths[1] ?? ''),
    }),
    judge: (found, { isOk }) => {
      const isMoved = pairs.every(({ to }) => found(to) !== undefined)
      return pairs.flatMap(({ from, to }) => {
        const [here, gone] = isOk || isMoved ? [to, from] : [from, to]
        const wanted = bytesOf(contentAt(from))
        const bytes = found(here)
        const wrong = bytes ? (bytes.equals(wanted) ? [] : [`CORRUPT ${here}`]) : [`LOST ${here}`]
        return found(gone) ? [...wrong, `RESURRECTED ${gone}`] : wrong
      })
    },
  }
}

function removing(flavour: Flavour, contentAt: ContentAt): Planned {
  const keys = ['1', '2', '3', 'sub/4'].map((name) => `${flavour}/tree/${name}`)
  return {
    name: 'delete tree',
    flavour,
    keys,
    task: (dir) => ({ do: 'remove-tree', path: join(dir, flavour, 'tree') }),
    judge: (found, { isOk }) =>
      keys.flatMap((key) => {
        const bytes = found(key)
        if (!bytes) return []
        if (isOk) return [`RESURRECTED ${key}`]
        return bytes.equals(bytesOf(contentAt(key))) ? [] : [`CORRUPT ${key}`]
      }),
  }
}
