/** A promise per page for those who follow a listing. */
export class Pages {
  next: Promise<void>
  #resolve: () => void = () => {}
  #reject: (reason: unknown) => void = () => {}

  constructor() {
    this.next = this.#make()
  }

  turn(): Promise<void> {
    const resolve = this.#resolve
    this.next = this.#make()
    resolve()
    return this.next
  }

  end(): void {
    this.#resolve()
  }

  fail(reason: unknown): void {
    this.#reject(reason)
  }

  #make(): Promise<void> {
    const next = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    next.catch(() => {})
    return next
  }
}
