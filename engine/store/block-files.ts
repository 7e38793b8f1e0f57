/**
 * A bounded set of open cache files.
 *
 * Keeps: a file in use stays open; at most `openFilesMax` others do.
 * Never: follows a symbolic link (the disk refuses to open one).
 */
import type { Disk, DiskFile } from '../base/disk.ts'

type OpenFile = { readonly file: Promise<DiskFile>; users: number; isForgotten: boolean }

export class BlockFiles {
  readonly #disk: Disk
  readonly #openFilesMax: number
  /** In order of use, oldest first. */
  readonly #open = new Map<string, OpenFile>()
  readonly #closing = new Set<Promise<void>>()

  constructor(disk: Disk, openFilesMax: number) {
    this.#disk = disk
    this.#openFilesMax = openFilesMax
  }

  async use<T>(
    path: string,
    how: 'read' | 'write',
    work: (file: DiskFile) => Promise<T>,
  ): Promise<T> {
    const key = `${how} ${path}`
    const open = this.#open.get(key) ?? {
      file: this.#disk.open(path, how),
      users: 0,
      isForgotten: false,
    }
    this.#open.delete(key)
    this.#open.set(key, open)
    open.users++
    try {
      return await work(await open.file)
    } catch (thrown) {
      // A descriptor that failed once is not tried again.
      if (this.#open.get(key) === open) this.#open.delete(key)
      open.isForgotten = true
      throw thrown
    } finally {
      open.users--
      if (open.users === 0 && open.isForgotten) this.#close(open)
      this.#closeOldest()
    }
  }

  /** Closes what is open of `path`; what is in use closes after its last use. */
  async forget(path: string): Promise<void> {
    const closed: Array<Promise<void>> = []
    for (const how of ['read', 'write']) {
      const open = this.#open.get(`${how} ${path}`)
      if (!open) continue
      this.#open.delete(`${how} ${path}`)
      open.isForgotten = true
      if (open.users === 0) closed.push(this.#close(open))
    }
    await Promise.all(closed)
  }

  async close(): Promise<void> {
    for (const open of this.#open.values()) this.#close(open)
    this.#open.clear()
    while (this.#closing.size > 0) await Promise.all(this.#closing)
  }

  #closeOldest(): void {
    if (this.#open.size <= this.#openFilesMax) return
    for (const [key, open] of this.#open) {
      if (open.users > 0) continue
      this.#open.delete(key)
      this.#close(open)
      if (this.#open.size <= this.#openFilesMax) return
    }
  }

  /** A failed close of a cache file loses nothing that a checksum would not find. */
  #close(open: OpenFile): Promise<void> {
    const done = open.file
      .then((file) => file.close())
      .catch(() => {})
      .finally(() => this.#closing.delete(done))
    this.#closing.add(done)
    return done
  }
}
