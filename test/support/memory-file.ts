/** One sparse file of a `MemoryDisk`: pages of 4 KiB, those never written read as zeros. */

const PAGE_BYTES = 4096

export class MemoryFile {
  sizeBytes = 0
  readonly #pages = new Map<number, Uint8Array>()

  get allocatedBytes(): number {
    return this.#pages.size * PAGE_BYTES
  }

  /** Bytes that a write would newly allocate. */
  growthOf(lengthBytes: number, at: number): number {
    let pages = 0
    for (let page = Math.floor(at / PAGE_BYTES); page * PAGE_BYTES < at + lengthBytes; page++) {
      if (!this.#pages.has(page)) pages++
    }
    return pages * PAGE_BYTES
  }

  /** @returns how many bytes there were; fewer than asked only at the end */
  read(into: Uint8Array, at: number): number {
    const length = Math.max(0, Math.min(into.length, this.sizeBytes - at))
    for (let done = 0; done < length; ) {
      const inPage = (at + done) % PAGE_BYTES
      const count = Math.min(PAGE_BYTES - inPage, length - done)
      const page = this.#pages.get(Math.floor((at + done) / PAGE_BYTES))
      if (page) into.set(page.subarray(inPage, inPage + count), done)
      else into.fill(0, done, done + count)
      done += count
    }
    return length
  }

  /** Writing no bytes past the end makes the file that long, as a lost write may. */
  write(data: Uint8Array, at: number): void {
    for (let done = 0; done < data.length; ) {
      const inPage = (at + done) % PAGE_BYTES
      const count = Math.min(PAGE_BYTES - inPage, data.length - done)
      this.#page(Math.floor((at + done) / PAGE_BYTES)).set(
        data.subarray(done, done + count),
        inPage,
      )
      done += count
    }
    this.sizeBytes = Math.max(this.sizeBytes, at + data.length)
  }

  truncate(sizeBytes: number): void {
    const edge = Math.floor(sizeBytes / PAGE_BYTES)
    for (const page of this.#pages.keys()) {
      if (page > edge || (page === edge && sizeBytes % PAGE_BYTES === 0)) this.#pages.delete(page)
    }
    this.#pages.get(edge)?.fill(0, sizeBytes % PAGE_BYTES)
    this.sizeBytes = sizeBytes
  }

  copy(): MemoryFile {
    const copy = new MemoryFile()
    copy.sizeBytes = this.sizeBytes
    for (const [index, page] of this.#pages) copy.#pages.set(index, page.slice())
    return copy
  }

  #page(index: number): Uint8Array {
    let page = this.#pages.get(index)
    if (!page) {
      page = new Uint8Array(PAGE_BYTES)
      this.#pages.set(index, page)
    }
    return page
  }
}
