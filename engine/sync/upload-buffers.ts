/**
 * Memory for bytes on their way to the bucket: one limit for all uploads of the engine.
 *
 * Keeps: a body comes back only when nobody can read it or write to it any more. Those of the parts
 *        of one file are used again: new ones would leave its whole size behind as garbage.
 */
import { assert } from '../base/assert.ts'

/** Bodies held in memory at once, of all uploads together. */
export const UPLOAD_BUFFER_BYTES_MAX = 32 * 1024 * 1024
/** What of it may be kept beside for the next parts, as long as something is under way. */
const SPARE_SHARE = 0.5

export class UploadBuffers {
  readonly #bytesMax: number
  /** In order of arrival: a large part is not overtaken for ever by small files. */
  readonly #waiting = new Set<{ bytes: number; start: () => void }>()
  #spare: Uint8Array[] = []
  #usedBytes = 0

  constructor(bytesMax: number = UPLOAD_BUFFER_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Waits until `bytes` more may be held. More than the limit are let in when they are alone.
   * @returns gives them back, once
   * @throws the signal's reason
   */
  async reserve(bytes: number, signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw signal.reason
    const share = Math.min(bytes, this.#bytesMax)
    if (this.#waiting.size === 0 && this.#fits(share)) this.#usedBytes += share
    else await this.#wait(share, signal)
    let isHeld = true
    return () => {
      assert(isHeld, 'memory is given back once')
      isHeld = false
      this.#usedBytes -= share
      this.#startWaiting()
      if (this.#usedBytes === 0) this.#spare = []
    }
  }

  /** A body of so many bytes that were reserved, with whatever was in it before. */
  take(bytes: number): Uint8Array {
    const body = this.#spare.pop()
    if (body?.length === bytes) return body
    this.#spare = []
    return Buffer.allocUnsafeSlow(bytes)
  }

  /** The body is not looked at any more. */
  give(body: Uint8Array): void {
    const spareBytes = this.#spare.reduce((sum, { length }) => sum + length, body.length)
    if (spareBytes <= this.#bytesMax * SPARE_SHARE) this.#spare.push(body)
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.#bytesMax
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = {
        bytes,
        start: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      const onAbort = () => {
        this.#waiting.delete(waiter)
        reject(signal?.reason)
        this.#startWaiting()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  #startWaiting(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bytes)) return
      this.#waiting.delete(waiter)
      this.#usedBytes += waiter.bytes
      waiter.start()
    }
  }
}
