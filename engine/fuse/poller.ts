/**
 * Waits for descriptors with one pool thread, however many mounts there are.
 *
 * A blocked read of /dev/fuse would hold a pool thread per mount and is not woken by closing the
 * descriptor. One poll(2) for all of them leaves the pool to file work, and ends at any time.
 */
import { assert } from '../base/assert.ts'
import * as libc from './libc.ts'

const WAKE_UP = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

type Waiter = {
  readonly signal: AbortSignal
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export class DescriptorPoller {
  readonly #waiters = new Map<number, Waiter>()
  readonly #counter = Buffer.alloc(WAKE_UP.length)
  #wakeDescriptor: number | undefined
  #isPolling = false

  /**
   * Resolves when `fd` can be read or has failed, and also after an abort, as soon as poll(2) does
   * not hold the descriptor any more: from then on closing it takes effect. One waiter a descriptor.
   */
  async readable(fd: number, signal: AbortSignal): Promise<void> {
    assert(!this.#waiters.has(fd), `descriptor ${fd} is waited for once`)
    if (signal.aborted) return
    const onAbort = () => this.#wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.set(fd, { signal, resolve, reject })
        if (this.#isPolling) this.#wake()
        else void this.#run()
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #run(): Promise<void> {
    this.#isPolling = true
    try {
      while (this.#waiters.size > 0) await this.#pollOnce()
    } catch (thrown) {
      for (const waiter of this.#waiters.values()) waiter.reject(thrown)
      this.#waiters.clear()
    } finally {
      this.#isPolling = false
    }
  }

  async #pollOnce(): Promise<void> {
    const wake = this.#wakeable()
    const ready = new Set(await libc.pollReadable([wake, ...this.#waiters.keys()]))
    if (ready.has(wake)) libc.read(wake, this.#counter)
    for (const [fd, waiter] of this.#waiters) {
      if (!ready.has(fd) && !waiter.signal.aborted) continue
      this.#waiters.delete(fd)
      waiter.resolve()
    }
  }

  #wake(): void {
    libc.write(this.#wakeable(), WAKE_UP)
  }

  /** Stays open: it belongs to the process, not to a mount. */
  #wakeable(): number {
    if (this.#wakeDescriptor === undefined) {
      const descriptor = libc.eventDescriptor()
      assert(descriptor >= 0, `eventfd failed with ${-descriptor}`)
      this.#wakeDescriptor = descriptor
      // Leaving the process waits for its pool threads, and one of them may be in poll(2).
      process.once('exit', () => this.#wake())
    }
    return this.#wakeDescriptor
  }
}
