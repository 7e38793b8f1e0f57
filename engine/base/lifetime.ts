/**
 * Everything that is opened is registered here and closed in reverse order.
 *
 * Keeps: background promises are owned: their failure is reported, and closing waits for them.
 */
import { setMaxListeners } from 'node:events'
import { PailError } from '../../shared/errors.ts'

export class Lifetime {
  readonly #closers: Array<{ name: string; close: () => Promise<void> | void }> = []
  readonly #background = new Set<Promise<void>>()
  readonly #abort = new AbortController()
  #closing: Promise<void> | undefined
  readonly #onFailure: (name: string, error: PailError) => void

  constructor(onFailure: (name: string, error: PailError) => void) {
    this.#onFailure = onFailure
    // As many waits as there are requests hang on it; each takes its listener away when it ends.
    setMaxListeners(0, this.#abort.signal)
  }

  /** Aborts when closing begins: hand it to every wait that belongs to this lifetime. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Registers something that is open; it is closed after everything registered later. */
  add(name: string, close: () => Promise<void> | void): void {
    this.#closers.push({ name, close })
  }

  /** Lets `work` run on its own. A failure is reported, unless closing has begun. */
  background(name: string, work: Promise<void>): void {
    const tracked = work
      .catch((thrown: unknown) => {
        if (!this.isClosing) this.#onFailure(name, PailError.from(thrown))
      })
      .finally(() => this.#background.delete(tracked))
    this.#background.add(tracked)
  }

  /** Closes everything once, in reverse order; one failure does not keep the rest open. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    this.#abort.abort(new PailError('engine/stopped', 'closing'))
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close()
      } catch (thrown) {
        this.#onFailure(name, PailError.from(thrown))
      }
    }
    await Promise.all(this.#background)
  }
}
