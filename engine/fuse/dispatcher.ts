/**
 * FUSE without a kernel: the bytes of one request in, the bytes of its reply out.
 *
 * Owns:  which nodes and handles the kernel holds, and which requests are under way.
 * Keeps: whatever is thrown becomes an error reply; a defect of ours is EIO for one program and a
 *        stack in the log, never a dead mount.
 * Never: opens a device, blocks, or waits for the kernel.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Change, Vfs } from '../vfs/vfs.ts'
import { BufferPool } from './buffer-pool.ts'
import { HandleTable } from './handle-table.ts'
import { InFlight, type RequestContext } from './in-flight.ts'
import { Invalidator, type Notify } from './invalidator.ts'
import { NodeTable } from './node-table.ts'
import type { Session } from './operations/operation.ts'
import { OPERATIONS, REFUSALS } from './operations/table.ts'
import { OPCODE_NAMES, Opcode, PROTOCOL_MINOR_EPOCH } from './wire/constants.ts'
import { ERRNO } from './wire/errno.ts'
import { decodeInit, encodeInit, encodeInitRetry, negotiate } from './wire/init.ts'
import type { WireReader } from './wire/reader.ts'
import { encodeError } from './wire/replies.ts'
import {
  bodyOf,
  decodeBatchForget,
  decodeForget,
  decodeHeader,
  decodeInterrupt,
  type RequestHeader,
} from './wire/requests.ts'

export const ENTRY_TIMEOUT_MS = 15_000
export const ATTR_TIMEOUT_MS = 15_000
/** Short: a file that somebody else just made should not stay invisible for long. */
export const NEGATIVE_TIMEOUT_MS = 2_000

export type DispatcherOptions = {
  readonly vfs: Vfs
  readonly log: Log
  readonly clock: Clock
  readonly notify: Notify
  readonly buffers?: BufferPool
  readonly entryTimeoutMs?: number
  readonly attrTimeoutMs?: number
  readonly negativeTimeoutMs?: number
}

export type DispatcherStats = {
  readonly requests: Readonly<Record<string, number>>
  readonly inFlight: number
  readonly knownNodes: number
  readonly openHandles: number
  readonly notifications: Invalidator['stats']
  /** Agreed at INIT. */
  readonly protocolMinor: number | undefined
}

/** Requests that the kernel expects no answer to, whatever happens. */
const UNANSWERED: ReadonlySet<number> = new Set([
  Opcode.FORGET,
  Opcode.BATCH_FORGET,
  Opcode.INTERRUPT,
  Opcode.NOTIFY_REPLY,
])

export class FuseDispatcher {
  readonly #session: Session
  readonly #inFlight: InFlight
  readonly #invalidator: Invalidator
  readonly #counts = new Map<number, number>()
  readonly #stopWatching: () => void
  #minor: number | undefined

  constructor(options: DispatcherOptions) {
    const { vfs, log } = options
    const nodes = new NodeTable(vfs.root, log)
    this.#inFlight = new InFlight(options.clock)
    this.#invalidator = new Invalidator({ nodes, notify: options.notify, log })
    this.#session = {
      vfs,
      log,
      nodes,
      handles: new HandleTable(),
      buffers: options.buffers ?? new BufferPool(),
      timeouts: {
        entryMs: options.entryTimeoutMs ?? ENTRY_TIMEOUT_MS,
        attrMs: options.attrTimeoutMs ?? ATTR_TIMEOUT_MS,
        negativeMs: options.negativeTimeoutMs ?? NEGATIVE_TIMEOUT_MS,
      },
      onPagesOutdated: (id) => this.#invalidator.invalidateNode(id),
    }
    this.#stopWatching = vfs.watch((changes) => this.invalidate(changes))
  }

  get isInitialised(): boolean {
    return this.#minor !== undefined
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /**
   * Answers one request. Never rejects.
   *
   * @param request all bytes of it; the caller's again once this resolves
   * @returns the whole reply, or undefined where the kernel expects none
   */
  async dispatch(request: Buffer): Promise<Buffer | undefined> {
    const header = decodeHeader(request)
    if (!header) {
      this.#session.log.write('error', 'fuse/short-request', { bytes: request.length })
      return undefined
    }
    this.#counts.set(header.opcode, (this.#counts.get(header.opcode) ?? 0) + 1)
    if (UNANSWERED.has(header.opcode)) return this.#take(header, request)
    const context = this.#inFlight.start(header)
    try {
      return await this.#answer(header, request, context)
    } catch (thrown) {
      return encodeError(header.unique, this.#errnoOf(thrown, header, context))
    } finally {
      this.#inFlight.finish(header.unique)
    }
  }

  /** Tells the kernel about changes that it did not make itself. Returns at once. */
  invalidate(changes: readonly Change[]): void {
    this.#invalidator.invalidate(changes)
  }

  stats(): DispatcherStats {
    const requests: Record<string, number> = {}
    for (const [opcode, count] of this.#counts) {
      requests[OPCODE_NAMES.get(opcode) ?? `opcode-${opcode}`] = count
    }
    return {
      requests,
      inFlight: this.#inFlight.size,
      knownNodes: this.#session.nodes.size,
      openHandles: this.#session.handles.size,
      notifications: this.#invalidator.stats,
      protocolMinor: this.#minor,
    }
  }

  /** The kernel is gone: gives up what runs, then releases every handle it left open. */
  async close(): Promise<void> {
    this.#stopWatching()
    this.#invalidator.close()
    this.#inFlight.abortAll(new PailError('engine/stopped', 'the mount has ended'))
    await this.#inFlight.idle()
    for (const handle of this.#session.handles.takeAll()) {
      try {
        await this.#session.vfs.release(handle)
      } catch (thrown) {
        this.#session.log.write('error', 'fuse/release-failed', { error: String(thrown) })
      }
    }
  }

  async #answer(header: RequestHeader, request: Buffer, context: RequestContext): Promise<Buffer> {
    const body = bodyOf(request, header)
    if (header.opcode === Opcode.INIT) return this.#init(header.unique, body)
    if (!this.isInitialised) throw new PailError('vfs/invalid', 'request before INIT')
    const operation = OPERATIONS.get(header.opcode)
    if (!operation) {
      return encodeError(header.unique, REFUSALS.get(header.opcode) ?? ERRNO.ENOSYS)
    }
    return operation(this.#session, { unique: header.unique, node: header.node, context, body })
  }

  #init(unique: bigint, body: WireReader): Buffer {
    const asked = decodeInit(body)
    const agreement = negotiate(asked)
    if (!agreement) return encodeInitRetry(unique)
    this.#minor = agreement.minor
    this.#invalidator.canOutdateAll = agreement.minor >= PROTOCOL_MINOR_EPOCH
    this.#session.log.write('info', 'fuse/init', { kernel: asked, agreed: agreement })
    return encodeInit(unique, agreement)
  }

  /** FORGET, BATCH_FORGET and INTERRUPT. */
  #take(header: RequestHeader, request: Buffer): undefined {
    try {
      const body = bodyOf(request, header)
      if (header.opcode === Opcode.INTERRUPT) this.#inFlight.interrupt(decodeInterrupt(body))
      if (header.opcode === Opcode.FORGET) {
        this.#session.nodes.forget(header.node, decodeForget(body))
      }
      if (header.opcode === Opcode.BATCH_FORGET) {
        for (const { node, count } of decodeBatchForget(body))
          this.#session.nodes.forget(node, count)
      }
    } catch (thrown) {
      this.#logDefect(thrown, header)
    }
    return undefined
  }

  #errnoOf(thrown: unknown, header: RequestHeader, context: RequestContext): number {
    if (context.isAborted && isAbort(thrown)) return ERRNO.EINTR
    const error = PailError.from(thrown)
    if (error.code === 'internal/bug') this.#logDefect(thrown, header)
    return ERRNO[error.errno]
  }

  #logDefect(thrown: unknown, header: RequestHeader): void {
    this.#session.log.write('error', 'fuse/operation-failed', {
      operation: OPCODE_NAMES.get(header.opcode) ?? header.opcode,
      node: header.node,
      error: String(thrown),
      stack: thrown instanceof Error ? thrown.stack : undefined,
    })
  }
}

/** What Node's own functions throw when a signal aborts without a reason of ours. */
function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError'
}
