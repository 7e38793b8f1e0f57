/**
 * The thin loop between /dev/fuse and the dispatcher: reads requests, writes replies.
 *
 * Runs in: engine process. Keeps: a reply is written at once, without waiting for anything.
 * Keeps: large writes are taken over without a copy; requests under way are bounded.
 * Never: touches a path inside the mount; blocks the process on the kernel.
 */
import { closeSync, openSync, write } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { FuseDispatcher } from './dispatcher.ts'
import * as libc from './libc.ts'
import type { DescriptorPoller } from './poller.ts'
import { REQUEST_BYTES_MAX } from './wire/constants.ts'
import { ERRNO } from './wire/errno.ts'

const ENODEV = 19
const ECONNABORTED = 103
/** Beyond this the loop stops reading until something is answered. */
export const REQUESTS_UNDER_WAY_MAX = 1_024
/** Requests read before the answers of the first ones get their turn. */
const REQUESTS_PER_TURN = 16
/**
 * After a request, and after a reply, the next request usually comes within microseconds. Waiting
 * for it actively saves two thread switches each, which is most of what a lookup costs; then the
 * loop sleeps.
 */
const ACTIVE_WAIT_MS = 0.1
/** What is answered from memory or by a commit is answered within this; then the network is asked. */
const LOCAL_ANSWER_MS = 1
/** Requests up to here are copied, so that the large buffer serves the next read. */
const COPIED_BYTES_MAX = 16 * 1024

export type DeviceParts = {
  readonly fd: number
  readonly dispatcher: FuseDispatcher
  readonly buffers: BufferPool
  readonly poller: DescriptorPoller
  readonly clock: Clock
  readonly log: Log
  /** After the reply to each request while the mount is starting. */
  readonly onDidReply: () => void
}

export class FuseDevice {
  readonly #parts: DeviceParts
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #freed: (() => void) | undefined
  readonly #notifying = new Set<Promise<void>>()
  #isClosed = false
  #largestRequestBytes = 0
  #largestReplyBytes = 0
  #activeUntilMs = 0
  #answeredByMs = 0
  /** What the next request is read into; lent only while the loop is active. */
  #next: Buffer | undefined

  constructor(parts: DeviceParts) {
    this.#parts = parts
    this.#ended = this.#run()
  }

  /** Resolves when the kernel ended the connection, or `stop` did; the descriptor is closed then. */
  get ended(): Promise<void> {
    return this.#ended
  }

  get stats(): { largestRequestBytes: number; largestReplyBytes: number } {
    return {
      largestRequestBytes: this.#largestRequestBytes,
      largestReplyBytes: this.#largestReplyBytes,
    }
  }

  /** Closes the descriptor: the kernel aborts the connection and fails whatever still waits. */
  stop(): void {
    this.#stop.abort()
    this.#freed?.()
  }

  async #run(): Promise<void> {
    // The constructor's caller finishes first: the first request may be there already.
    await nextTurn()
    try {
      await this.#readAll()
    } catch (thrown) {
      this.#parts.log.write('error', 'fuse/device-failed', { error: String(thrown) })
    } finally {
      this.#isClosed = true
      this.#letGo()
    }
  }

  /**
   * Ends the connection, but keeps the descriptor's number until no notification is queued for it:
   * the pool would write it into whatever file got the number next.
   */
  #letGo(): void {
    const { fd } = this.#parts
    const nothing = openSync('/dev/null', 'w')
    libc.replaceDescriptor(nothing, fd)
    closeSync(nothing)
    void Promise.allSettled(this.#notifying).then(() => closeSync(fd))
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const outcome = await this.#readWhileActive()
      if (this.#next) this.#parts.buffers.give(this.#next)
      this.#next = undefined
      if (outcome === 'ended') return
      if (outcome === 'full') await this.#room()
      else await this.#parts.poller.readable(this.#parts.fd, this.#stop.signal)
    }
  }

  /** One promise for many turns: a turn takes microseconds, and most of them find nothing. */
  #readWhileActive(): Promise<'ended' | 'full' | 'quiet'> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          const outcome = this.#readTurn()
          if (outcome === 'active') setImmediate(turn)
          else resolve(outcome)
        } catch (thrown) {
          reject(thrown)
        }
      }
      turn()
    })
  }

  #readTurn(): 'ended' | 'full' | 'active' | 'quiet' {
    if (this.#stop.signal.aborted) return 'ended'
    const { clock, dispatcher } = this.#parts
    const outcome = this.#readSome()
    if (outcome === 'ended') return outcome
    const nowMs = clock.monotonicMs()
    if (outcome === 'some') {
      this.#stayActive(nowMs)
      this.#answeredByMs = nowMs + LOCAL_ANSWER_MS
    }
    const isAnswerNear = nowMs < this.#answeredByMs && dispatcher.inFlight > 0
    if (dispatcher.inFlight >= REQUESTS_UNDER_WAY_MAX) return 'full'
    return nowMs < this.#activeUntilMs || isAnswerNear ? 'active' : 'quiet'
  }

  #stayActive(nowMs: number): void {
    this.#activeUntilMs = nowMs + ACTIVE_WAIT_MS
  }

  #readSome(): 'some' | 'none' | 'ended' {
    for (let count = 0; count < REQUESTS_PER_TURN; count++) {
      this.#next ??= this.#parts.buffers.take(REQUEST_BYTES_MAX)
      const length = libc.read(this.#parts.fd, this.#next)
      if (length > 0) {
        this.#accept(this.#next, length)
        continue
      }
      if (length === -ERRNO.EAGAIN) return count > 0 ? 'some' : 'none'
      if (length === 0 || length === -ENODEV || length === -ECONNABORTED) return 'ended'
      // ENOENT: the request was given up before it could be read.
      if (length !== -ERRNO.EINTR && length !== -ERRNO.ENOENT) {
        this.#parts.log.write('error', 'fuse/read-failed', { errno: -length })
        return 'ended'
      }
    }
    return 'some'
  }

  #accept(buffer: Buffer, length: number): void {
    this.#largestRequestBytes = Math.max(this.#largestRequestBytes, length)
    const request = buffer.subarray(0, length)
    if (length > COPIED_BYTES_MAX) {
      this.#next = undefined
      void this.#serve(request)
    } else void this.#serve(Buffer.from(request))
  }

  /** Never rejects: `dispatch` does not, and a failed write is a fact about the kernel's side. */
  async #serve(request: Buffer): Promise<void> {
    const reply = await this.#parts.dispatcher.dispatch(request)
    this.#parts.buffers.give(request)
    if (reply) {
      this.#reply(reply)
      this.#parts.buffers.give(reply)
    }
    this.#freed?.()
  }

  #reply(reply: Buffer): void {
    if (this.#isClosed) return
    this.#largestReplyBytes = Math.max(this.#largestReplyBytes, reply.length)
    const result = libc.write(this.#parts.fd, reply)
    // ENOENT: the program was killed meanwhile. ENODEV: unmounted meanwhile.
    const isExpected = result >= 0 || result === -ERRNO.ENOENT || result === -ENODEV
    if (!isExpected) {
      this.#parts.log.write('error', 'fuse/reply-refused', {
        errno: -result,
        bytes: reply.length,
      })
    }
    this.#stayActive(this.#parts.clock.monotonicMs())
    this.#parts.onDidReply()
  }

  /** Through the pool: the kernel may hold a notification until it gets a reply from here. */
  async notify(message: Buffer): Promise<void> {
    if (this.#isClosed) return
    const writing = this.#writeThroughPool(message)
    this.#notifying.add(writing)
    try {
      await writing
    } finally {
      this.#notifying.delete(writing)
    }
  }

  #writeThroughPool(message: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      write(this.#parts.fd, message, (failure) => {
        // ENOENT: the kernel does not hold the node or the name, so nothing was outdated.
        if (!failure || failure.code === 'ENOENT' || failure.code === 'ENODEV') resolve()
        else reject(failure)
      })
    })
  }

  async #room(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#freed = resolve
    })
    this.#freed = undefined
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
