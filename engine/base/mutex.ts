/** One at a time, in order of asking. For the mutations of one file; never held across two files. */
export class Mutex {
  #last: Promise<void> = Promise.resolve()

  /** Runs `work` after everything asked for earlier has ended, whether it failed or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.then(
      () => {},
      () => {},
    )
    return result
  }
}
