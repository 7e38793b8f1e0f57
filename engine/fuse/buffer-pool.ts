/**
 * Large buffers that are used again: a fresh MiB costs more in page faults than the read itself.
 *
 * Keeps: a buffer is lent once; giving back what was not lent changes nothing.
 */
import { REQUEST_BYTES_MAX } from './wire/constants.ts'

/** 32 MiB stay reserved at most; what is beyond goes to the garbage collector. */
const KEPT_BUFFERS_MAX = 32
/** Below this the allocator is as fast. */
const POOLED_BYTES_MIN = 64 * 1024

export class BufferPool {
  readonly #free: ArrayBuffer[] = []
  readonly #lent = new WeakSet<ArrayBufferLike>()

  /** A buffer of exactly `sizeBytes`, whose content is whatever was there before. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < POOLED_BYTES_MIN || sizeBytes > REQUEST_BYTES_MAX) {
      return Buffer.allocUnsafe(sizeBytes)
    }
    const memory = this.#free.pop() ?? new ArrayBuffer(REQUEST_BYTES_MAX)
    this.#lent.add(memory)
    return Buffer.from(memory, 0, sizeBytes)
  }

  /** Any view of a buffer taken here; the caller does not touch it any more. */
  give(view: Buffer): void {
    const memory = view.buffer
    if (!(memory instanceof ArrayBuffer) || !this.#lent.delete(memory)) return
    if (this.#free.length < KEPT_BUFFERS_MAX) this.#free.push(memory)
  }
}
