/**
 * The local disk as the engine sees it: the only place that promises durability.
 *
 * Injected, so that a test can record every write and sync, fail the N-th call, and rebuild each
 * disk that a power cut may leave behind.
 */
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { PailError } from '../../shared/errors.ts'

export interface DiskFile {
  /** Reads up to `into.length` bytes at `position`; fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `data` at `position`. */
  write(data: Uint8Array, position: number): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  size(): Promise<number>
  /** Returns when every byte written so far survives power loss (fdatasync(2)). */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** `create` fails when the file exists; neither way follows a symbolic link at the last step. */
  open(path: string, how: 'create' | 'write' | 'read'): Promise<DiskFile>
  exists(path: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
  /** Removing what is not there is no error. */
  remove(path: string): Promise<void>
  makeDirectory(path: string): Promise<void>
  list(path: string): Promise<string[]>
  /** Makes names created, renamed or removed in a directory survive power loss. */
  syncDirectory(path: string): Promise<void>
  /** Free and total bytes of the file system that holds `path`. */
  space(path: string): Promise<{ freeBytes: number; totalBytes: number }>
  /** Bytes really allocated on disk for `path`. */
  allocatedBytes(path: string): Promise<number>
}

const read = promisify(fs.read)
const write = promisify(fs.write)
const open = promisify(fs.open)
const close = promisify(fs.close)
const ftruncate = promisify(fs.ftruncate)
const fdatasync = promisify(fs.fdatasync)
const fstat = promisify(fs.fstat)

/** Translates errno of the local disk; a full disk must reach the program as ENOSPC. */
export function diskError(thrown: unknown, path: string): PailError {
  if (thrown instanceof PailError) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PailError('store/disk-full', `${code} on ${path}`, { path }, thrown)
  }
  return new PailError('store/io', `${code} on ${path}`, { path }, thrown)
}

class RealDiskFile implements DiskFile {
  readonly #fd: number
  readonly #path: string
  #isClosed = false

  constructor(fd: number, path: string) {
    this.#fd = fd
    this.#path = path
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < into.length) {
      const { bytesRead } = await this.#try(
        read(this.#fd, into, done, into.length - done, position + done),
      )
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    let done = 0
    while (done < data.length) {
      const { bytesWritten } = await this.#try(
        write(this.#fd, data, done, data.length - done, position + done),
      )
      done += bytesWritten
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#try(ftruncate(this.#fd, sizeBytes))
  }

  async size(): Promise<number> {
    return (await this.#try(fstat(this.#fd))).size
  }

  async sync(): Promise<void> {
    await this.#try(fdatasync(this.#fd))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#try(close(this.#fd))
  }

  async #try<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (thrown) {
      throw diskError(thrown, this.#path)
    }
  }
}

const FLAGS = {
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  read: fs.constants.O_RDONLY,
} as const

export class RealDisk implements Disk {
  async open(path: string, how: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const flags = FLAGS[how] | (fs.constants.O_NOFOLLOW ?? 0)
    return this.#try(path, async () => new RealDiskFile(await open(path, flags, 0o600), path))
  }

  async exists(path: string): Promise<boolean> {
    try {
      await fs.promises.lstat(path)
      return true
    } catch {
      return false
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.#try(from, () => fs.promises.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#try(path, () => fs.promises.rm(path, { force: true }))
  }

  makeDirectory(path: string): Promise<void> {
    return this.#try(path, async () => {
      await fs.promises.mkdir(path, { recursive: true, mode: 0o700 })
    })
  }

  list(path: string): Promise<string[]> {
    return this.#try(path, () => fs.promises.readdir(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#try(path, async () => {
      const fd = await open(path, fs.constants.O_RDONLY)
      try {
        await promisify(fs.fsync)(fd)
      } finally {
        await close(fd)
      }
    })
  }

  space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.#try(path, async () => {
      const facts = await fs.promises.statfs(path)
      return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize }
    })
  }

  allocatedBytes(path: string): Promise<number> {
    return this.#try(path, async () => (await fs.promises.lstat(path)).blocks * 512)
  }

  async #try<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw diskError(thrown, path)
    }
  }
}

/** Replaces `path` by `data` so that a crash leaves the old or the new content, never a mixture. */
export async function replaceFile(disk: Disk, path: string, data: Uint8Array): Promise<void> {
  const draft = `${path}.new`
  await disk.remove(draft)
  const file = await disk.open(draft, 'create')
  try {
    await file.write(data, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(draft, path)
  await disk.syncDirectory(dirname(path))
}
