/**
 * A bucket in memory whose requests can be interfered with one by one, and an uploader before it.
 */
import { SeededRandom } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import { MemoryObjectStore, type StoreOperation } from '../../../engine/s3/memory-object-store.ts'
import type { Capabilities, Etag, ObjectStore } from '../../../engine/s3/object-store.ts'
import { Connectivity } from '../../../engine/sync/connectivity.ts'
import type { Extent, ObjectVersion } from '../../../engine/sync/content.ts'
import { EndpointRequests } from '../../../engine/sync/endpoint-requests.ts'
import { UploadBuffers } from '../../../engine/sync/upload-buffers.ts'
import { uploadContent } from '../../../engine/sync/upload-content.ts'
import type { UploadDeps, UploadJob } from '../../../engine/sync/upload-job.ts'
import type { PartLimits } from '../../../engine/sync/upload-plan.ts'
import {
  decodeUploadRecord,
  encodeUploadRecord,
  type UploadRecord,
} from '../../../engine/sync/upload-record.ts'
import { type ErrorCode, PailError } from '../../../shared/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/**
 * A thousandth of a MiB: with limits scaled in the same way, hundreds of large uploads run in the
 * time of a few.
 */
export const UNIT = 1024
export const SCALED_LIMITS: PartLimits = {
  singlePutBytesMax: 16 * UNIT,
  partBytesMin: 5 * UNIT,
  partBytesUsual: 8 * UNIT,
  requestCostBytes: UNIT,
}
export const ALL: Capabilities = {
  conditionalPut: true,
  conditionalComplete: true,
  uploadPartCopy: true,
}
export const NONE: Capabilities = {
  conditionalPut: false,
  conditionalComplete: false,
  uploadPartCopy: false,
}

export type Call = {
  readonly number: number
  readonly name: StoreOperation
  readonly args: readonly unknown[]
}
/**
 * `not-sent`: fails before the server acts. `reply-lost`: fails after it acted. A code: the server
 * refuses. A function: acts in place of the server.
 */
export type Fault =
  | 'not-sent'
  | 'reply-lost'
  | ErrorCode
  | ((act: () => Promise<unknown>) => Promise<unknown>)

export type World = ReturnType<typeof makeWorld>

export function makeWorld(
  options: { capabilities?: Capabilities; bufferBytes?: number; limits?: PartLimits } = {},
) {
  const clock = new FakeClock()
  const random = new SeededRandom(7)
  const capabilities = options.capabilities ?? ALL
  const limits = options.limits ?? SCALED_LIMITS
  const memory = new MemoryObjectStore({
    clock,
    ...capabilities,
    hasOpaqueEtags: capabilities.etagIsMd5 === false,
    partBytesMin: limits.partBytesMin,
  })
  const calls: Call[] = []
  const faults: { next: (call: Call) => Fault | undefined } = { next: () => undefined }
  const store = interposed(memory, async (name, args, act) => {
    const call = { number: calls.length + 1, name, args }
    calls.push(call)
    const fault = faults.next(call)
    if (fault === undefined) return act()
    if (typeof fault === 'function') return fault(act)
    if (fault === 'not-sent') throw new PailError('net/reset', 'the request was lost')
    if (fault === 'reply-lost') {
      await act()
      throw new PailError('net/reset', 'the reply was lost')
    }
    throw new PailError(fault, 'injected')
  })
  const connectivity = new Connectivity({ clock, random, log: silentLog, probe: async () => {} })
  const requests = new EndpointRequests({ clock, random, connectivity, resetSockets: () => {} })
  const buffers = new UploadBuffers(options.bufferBytes)
  const noted: string[] = []
  const deps: UploadDeps = {
    buffers,
    limits,
    noteCapability: (name, isThere) => noted.push(`${name}=${isThere}`),
  }
  /** What the journal holds, in its form on disk. */
  const journal: { record: Uint8Array | undefined; saves: number } = { record: undefined, saves: 0 }
  return {
    clock,
    random,
    memory,
    store,
    calls,
    faults,
    requests,
    buffers,
    deps,
    noted,
    journal,
    capabilities,
  }
}

export type JobOptions = Partial<Omit<UploadJob, 'source'>> & {
  readonly content: Uint8Array
  readonly extents?: readonly Extent[]
  readonly base?: ObjectVersion
  readonly onRead?: (offset: number, length: number) => void
}

export function makeJob(world: World, options: JobOptions): UploadJob {
  const { content, extents, base, onRead, ...rest } = options
  const saved = world.journal.record
  return {
    store: world.store,
    requests: world.requests,
    capabilities: world.capabilities,
    key: 'file',
    source: {
      sizeBytes: content.length,
      extents: extents ?? [{ start: 0, end: content.length }],
      ...(base ? { base } : {}),
      read: async (offset, into) => {
        onRead?.(offset, into.length)
        into.set(content.subarray(offset, offset + into.length))
      },
    },
    attributes: { metadata: { mtime: '1234.500000001' }, contentType: 'text/plain' },
    ...(saved ? { resume: decodeUploadRecord(saved) } : {}),
    save: async (record: UploadRecord | undefined) => {
      world.journal.saves++
      world.journal.record = record ? encodeUploadRecord(record) : undefined
    },
    isCurrent: () => true,
    signal: new AbortController().signal,
    ...rest,
  }
}

export function upload(world: World, options: JobOptions) {
  return world.clock.until(uploadContent(makeJob(world, options), world.deps))
}

/** Bytes that differ from one seed, and one place, to another. */
export function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  const words = new Uint32Array(out.buffer, 0, Math.floor(length / 4))
  let state = (seed * 0x9e3779b9) >>> 0
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[i] = state
  }
  out.fill(seed, words.length * 4)
  return out
}

export function edited(base: Uint8Array, extents: readonly Extent[], sizeBytes = base.length) {
  const out = new Uint8Array(sizeBytes)
  out.set(base.subarray(0, sizeBytes))
  for (const { start, end } of extents) out.set(bytes(end - start, 99), start)
  return out
}

export const version = (key: string, etag: Etag, sizeBytes: number): ObjectVersion => ({
  volume: 1,
  key,
  etag,
  sizeBytes,
})

type Interpose = (
  name: StoreOperation,
  args: readonly unknown[],
  act: () => Promise<unknown>,
) => Promise<unknown>

function interposed(store: ObjectStore, interpose: Interpose): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) =>
        interpose(name as StoreOperation, args, async () => Reflect.apply(method, target, args))
    },
  })
}
