/**
 * Whether the records of this data folder can be believed.
 *
 * Owns:  the first finding that says no. Assertions about records stay on in production.
 * Keeps: from then on nothing is changed on the word of these records, neither here for a program nor
 *        in the bucket; what is known can be read. The next start of the engine checks them.
 * Never: goes back to yes while the engine runs.
 */
import { PailError } from '../../shared/errors.ts'

export class Trust {
  readonly #ended = new AbortController()

  /** Aborts, with a PailError as the reason, when the records are believed no more. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  get isEnded(): boolean {
    return this.#ended.signal.aborted
  }

  /** What was found; undefined while all is well. */
  get finding(): PailError | undefined {
    return this.isEnded ? PailError.from(this.#ended.signal.reason) : undefined
  }

  /** @throws PailError `store/inconsistent` when it is not so, which ends the trust */
  assert(fact: unknown, message: string): asserts fact {
    if (!fact) throw this.end(new PailError('store/inconsistent', message))
  }

  /** @returns `finding`, for who throws it */
  end(finding: PailError): PailError {
    if (!this.isEnded) this.#ended.abort(finding)
    return finding
  }
}
