/**
 * The kinds of upload there are and the kinds of server they meet, for tests that cross them.
 */
import { expect } from 'vitest'
import type { Capabilities } from '../../../engine/s3/object-store.ts'
import {
  ALL,
  bytes,
  type Call,
  edited,
  type Fault,
  type JobOptions,
  makeWorld,
  NONE,
  UNIT,
  upload,
  version,
  type World,
} from './upload-world.ts'

export const SMALL = bytes(10_000)
export const LARGE = bytes(17 * UNIT, 2)
export const BEFORE = bytes(18 * UNIT, 3)
export const ABSENT = { ifAbsent: true } as const

export function expectStored(world: World, content: Uint8Array, key = 'file') {
  const stored = world.memory.bytesOf(key)
  expect(stored && Buffer.compare(stored, content)).toBe(0)
}

/** How often exactly this content came to stand at the key. */
export function timesStored(world: World, content: Uint8Array): number {
  const same = world.memory
    .versions('file')
    .filter((one) => one.kind === 'stored' && Buffer.compare(one.object.body, content) === 0)
  return same.length
}

export function expectNothingHeld(world: World) {
  expect([world.requests.running, world.requests.waiting]).toEqual([0, 0])
  expect([world.buffers.usedBytes, world.buffers.waiting]).toEqual([0, 0])
}

export const onCall = (number: number, fault: Fault) => (call: Call) =>
  call.number === number ? fault : undefined
export const firstOf = (name: Call['name'], ...faults: Fault[]) => {
  let count = 0
  return (call: Call) => (call.name === name ? faults[count++] : undefined)
}

/** The kinds of upload there are; each leaves `content` under the key `file`. */
export const KINDS: Record<string, (world: World) => JobOptions> = {
  'a new small file': () => ({ content: SMALL, precondition: ABSENT }),
  'a replaced small file': (world) => ({
    content: SMALL,
    precondition: { ifMatch: world.memory.putDirect('file', 'before') },
  }),
  'a small file without a precondition': () => ({ content: SMALL }),
  'a new large file': () => ({ content: LARGE, precondition: ABSENT }),
  'a patched large file': (world) => {
    const before = BEFORE
    const etag = world.memory.putDirect('file', before)
    const extents = [{ start: 7 * UNIT, end: 7 * UNIT + 1000 }]
    return {
      content: edited(before, extents),
      extents,
      base: version('file', etag, before.length),
      precondition: { ifMatch: etag },
    }
  },
}
export const SERVERS: Record<string, Capabilities> = {
  'a modern server': ALL,
  'an old server': NONE,
  'a server that honours conditions but copies no parts': { ...ALL, uploadPartCopy: false },
  'a server whose ETags are no digests': { ...ALL, etagIsMd5: false },
}
export const cases = Object.keys(KINDS).flatMap((kind) =>
  Object.keys(SERVERS)
    .filter((server) => kind.startsWith('a patched') || !server.endsWith('copies no parts'))
    .map((server) => [kind, server] as const),
)
export const FAULTS: readonly Fault[] = [
  'not-sent',
  'reply-lost',
  's3/server',
  's3/bad-reply',
  's3/busy',
]

export function prepare(kind: string, server: string) {
  const capabilities = SERVERS[server] ?? ALL
  const world = makeWorld({ capabilities })
  const options = KINDS[kind]?.(world) ?? { content: SMALL }
  return { world, options }
}

export async function callsNeeded(kind: string, server: string): Promise<number> {
  const { world, options } = prepare(kind, server)
  await upload(world, options)
  return world.calls.length
}
