/** Operations by path on a bare file system, as a program would do them: each returns `ok` or an errno. */

import type { AttributeChanges } from '../../engine/vfs/vfs.ts'
import { PailError } from '../../shared/errors.ts'
import type { BareEngine } from './bare-engine.ts'

const FILE_MODE = 0o644
/** More than any file of these tests. */
const COPY_BYTES = 100_000_000

export class Paths {
  readonly #engine: BareEngine
  readonly #drive: <T>(work: Promise<T>) => Promise<T>

  constructor(engine: BareEngine, drive: <T>(work: Promise<T>) => Promise<T>) {
    this.#engine = engine
    this.#drive = drive
  }

  write(path: string, offset: number, bytes: Uint8Array, isTruncating: boolean) {
    return this.#try(async () => {
      const { vfs } = this.#engine
      const context = this.#engine.context()
      const { directory, name } = await this.#place(path)
      const opened = await vfs.create(context, directory, name, {
        read: true,
        write: true,
        truncate: isTruncating,
        mode: FILE_MODE,
        exclusive: false,
      })
      const target = { id: opened.attributes.id, handle: opened.handle }
      try {
        if (bytes.length > 0) await vfs.write(context, target, offset, bytes)
        await vfs.flush(context, target)
      } finally {
        await vfs.release(opened.handle)
      }
    })
  }

  append(path: string, bytes: Uint8Array) {
    return this.#try(async () => {
      const { vfs } = this.#engine
      const context = this.#engine.context()
      const { directory, name } = await this.#place(path)
      const request = { read: false, write: true, append: true, mode: FILE_MODE, exclusive: false }
      const opened = await vfs.create(context, directory, name, request)
      const target = { id: opened.attributes.id, handle: opened.handle }
      try {
        await vfs.write(context, target, 'append', bytes)
        await vfs.flush(context, target)
      } finally {
        await vfs.release(opened.handle)
      }
    })
  }

  /** Opens the file and syncs it, as `sync FILE` does. */
  sync(path: string) {
    return this.#try(async () => {
      const { vfs } = this.#engine
      const context = this.#engine.context()
      const { id, opened } = await this.#openForReading(path)
      try {
        await vfs.commit(context, { id, handle: opened.handle })
      } finally {
        await vfs.release(opened.handle)
      }
    })
  }

  truncate(path: string, sizeBytes: number) {
    return this.#try(async () => {
      const id = await this.find(path)
      await this.#engine.vfs.setattr(this.#engine.context(), { id }, { sizeBytes })
    })
  }

  /** Makes a range zeros, as `fallocate --punch-hole` does. */
  punch(path: string, offset: number, lengthBytes: number) {
    return this.#try(async () => {
      const id = await this.find(path)
      await this.#withOpen(id, { read: false, write: true }, async (target) => {
        const { vfs } = this.#engine
        await vfs.editRange(this.#engine.context(), target, { offset, lengthBytes }, 'punch')
        await vfs.flush(this.#engine.context(), target)
      })
    })
  }

  /** As `cp` does: the source is opened, the copy is made anew, and the kernel is asked to copy. */
  copy(from: string, to: string) {
    return this.#try(async () => {
      const id = await this.find(from)
      await this.#withOpen(id, { read: true, write: false }, async (source) => {
        if (from !== to) await this.#copyTo(source, to)
      })
    })
  }

  async #copyTo(source: { id: number; handle: number }, to: string): Promise<void> {
    const { vfs } = this.#engine
    const context = this.#engine.context()
    const { directory, name } = await this.#place(to)
    const request = { read: false, write: true, truncate: true, mode: FILE_MODE, exclusive: false }
    const opened = await vfs.create(context, directory, name, request)
    const target = { id: opened.attributes.id, handle: opened.handle }
    try {
      for (let offset = 0; ; ) {
        const places = [
          { ...source, offset },
          { ...target, offset },
        ] as const
        const copied = await vfs.copyRange(context, ...places, COPY_BYTES)
        if (copied === 0) break
        offset += copied
      }
      await vfs.flush(context, target)
    } finally {
      await vfs.release(opened.handle)
    }
  }

  async #withOpen(
    id: number,
    request: { read: boolean; write: boolean },
    work: (target: { id: number; handle: number }) => Promise<void>,
  ): Promise<void> {
    const { vfs } = this.#engine
    const { handle } = await vfs.open(this.#engine.context(), id, request)
    try {
      await work({ id, handle })
    } finally {
      await vfs.release(handle)
    }
  }

  symlink(target: string, path: string) {
    return this.#try(async () => {
      const { directory, name } = await this.#place(path)
      await this.#engine.vfs.symlink(this.#engine.context(), directory, name, target)
    })
  }

  readlink(path: string): Promise<string> {
    const { vfs } = this.#engine
    return this.#drive(this.find(path).then((id) => vfs.readlink(this.#engine.context(), id)))
  }

  chmod(path: string, mode: number) {
    return this.#setattr(path, { mode })
  }

  utimens(path: string, mtime: bigint) {
    return this.#setattr(path, { mtime })
  }

  #setattr(path: string, changes: AttributeChanges) {
    return this.#try(async () => {
      const id = await this.find(path)
      await this.#engine.vfs.setattr(this.#engine.context(), { id }, changes)
    })
  }

  setxattr(path: string, name: string, value: string) {
    return this.#try(async () => {
      const id = await this.find(path)
      const attribute = { name, value: Buffer.from(value), mode: 'set' as const }
      await this.#engine.vfs.setxattr(this.#engine.context(), { id }, attribute)
    })
  }

  removexattr(path: string, name: string) {
    return this.#try(async () => {
      const id = await this.find(path)
      await this.#engine.vfs.removexattr(this.#engine.context(), { id }, name)
    })
  }

  /** Attributes and extended attributes, as `stat` and `getfattr -d` show them. */
  facts(path: string) {
    const { vfs } = this.#engine
    const context = this.#engine.context()
    const look = async () => {
      const id = await this.find(path)
      const attributes = await vfs.getattr(context, { id })
      const xattrs = new Map<string, string>()
      for (const name of await vfs.listxattr(context, { id })) {
        const value = await vfs.getxattr(context, { id }, name)
        xattrs.set(name, Buffer.from(value).toString())
      }
      return { attributes, xattrs }
    }
    return this.#drive(look())
  }

  mkdir(path: string) {
    return this.#try(async () => {
      const { directory, name } = await this.#place(path)
      await this.#engine.vfs.mkdir(this.#engine.context(), directory, name, 0o755)
    })
  }

  unlink(path: string) {
    return this.#remove(path, 'file')
  }

  rmdir(path: string) {
    return this.#remove(path, 'directory')
  }

  rename(from: string, to: string) {
    return this.#try(async () => {
      const source = await this.#place(from)
      const target = await this.#place(to)
      await this.#engine.vfs.rename(this.#engine.context(), source, target, 'replace')
    })
  }

  /** The whole content, read in pieces of an odd size. */
  read(path: string): Promise<Uint8Array> {
    return this.#drive(
      (async () => {
        const { vfs } = this.#engine
        const context = this.#engine.context()
        const { id, opened } = await this.#openForReading(path)
        const bytes = new Uint8Array(opened.attributes.sizeBytes)
        try {
          for (let offset = 0; offset < bytes.length; ) {
            const piece = bytes.subarray(offset, offset + 70_001)
            offset += await vfs.read(context, { id, handle: opened.handle }, offset, piece)
          }
        } finally {
          await vfs.release(opened.handle)
        }
        return bytes
      })(),
    )
  }

  names(path: string): Promise<Array<{ name: string; kind: string }>> {
    return this.#drive(
      (async () => {
        const id = await this.find(path)
        const entries: Array<{ name: string; kind: string }> = []
        let cookie = 0
        for (;;) {
          const page = await this.#engine.vfs.readdir(this.#engine.context(), { id }, cookie, 7)
          for (const entry of page.entries) {
            entries.push({ name: entry.name, kind: entry.attributes.kind })
            cookie = entry.cookie
          }
          if (page.isEnd) break
        }
        return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
      })(),
    )
  }

  /**
   * The name may mean another node by the time it is opened: the kernel then walks the path once
   * more, as here.
   * @see Linux fs/namei.c, do_filp_open: ESTALE
   */
  async #openForReading(path: string) {
    const open = async () => {
      const id = await this.find(path)
      const request = { read: true, write: false }
      return { id, opened: await this.#engine.vfs.open(this.#engine.context(), id, request) }
    }
    try {
      return await open()
    } catch (thrown) {
      if (PailError.from(thrown).code !== 'vfs/stale') throw thrown
      return open()
    }
  }

  async find(path: string): Promise<number> {
    let id = this.#engine.vfs.root
    if (path === '') return id
    for (const name of path.split('/')) {
      const found = await this.#engine.vfs.lookup(this.#engine.context(), id, name)
      id = found.attributes.id
    }
    return id
  }

  #remove(path: string, kind: 'file' | 'directory') {
    return this.#try(async () => {
      const { directory, name } = await this.#place(path)
      await this.#engine.vfs.remove(this.#engine.context(), directory, name, { kind })
    })
  }

  async #place(path: string): Promise<{ directory: number; name: string }> {
    const components = path.split('/')
    const name = components.pop() ?? ''
    return { directory: await this.find(components.join('/')), name }
  }

  async #try(work: () => Promise<void>): Promise<string> {
    try {
      await this.#drive(work())
      return 'ok'
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (error.code === 'internal/bug') throw error
      return error.errno
    }
  }
}
