/** The simplest file system that could be right: what Pail's must agree with. */

export type Entry = Facts &
  (
    | { kind: 'file'; bytes: Uint8Array }
    | { kind: 'directory' }
    | { kind: 'symlink'; target: string }
  )

/** What stands beside the bytes. */
type Facts = {
  mode: number
  /** Set by a program, and nothing happened since that changes it; undefined: some time or other. */
  mtime?: bigint | undefined
  /** By name; the values are texts. */
  readonly xattrs: Map<string, string>
  /** Stored by somebody who says nothing of attributes. */
  isForeign?: boolean
}

const MODES = { file: 0o644, directory: 0o755, symlink: 0o777 } as const

function newFacts(kind: Entry['kind']): Facts {
  return { mode: MODES[kind], xattrs: new Map() }
}

function newDirectory(): Entry {
  return { kind: 'directory', ...newFacts('directory') }
}

export class ReferenceTree {
  readonly entries = new Map<string, Entry>([['', newDirectory()]])

  clone(): ReferenceTree {
    const copy = new ReferenceTree()
    for (const [path, entry] of this.entries) copy.entries.set(path, structuredClone(entry))
    return copy
  }

  names(path: string): string[] {
    const prefix = path === '' ? '' : `${path}/`
    return [...this.entries.keys()]
      .filter((one) => one !== '' && one.startsWith(prefix) && one !== path)
      .map((one) => one.slice(prefix.length))
      .filter((name) => name !== '' && !name.includes('/'))
      .sort()
  }

  write(path: string, offset: number, bytes: Uint8Array, isTruncating: boolean): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (entry?.kind === 'directory') return 'EISDIR'
    // Nothing is written, and nothing is to be stored.
    if (entry?.kind === 'file' && bytes.length === 0 && !(isTruncating && entry.bytes.length > 0)) {
      if (isTruncating) entry.mtime = undefined
      return 'ok'
    }
    const old = entry?.kind === 'file' && !isTruncating ? entry.bytes : new Uint8Array(0)
    const next = new Uint8Array(Math.max(old.length, offset + bytes.length))
    next.set(old)
    next.set(bytes, offset)
    if (!entry) this.#touchAbove(path)
    const { mode, xattrs } = entry ?? newFacts('file')
    this.entries.set(path, { kind: 'file', bytes: next, mode, xattrs })
    return 'ok'
  }

  symlink(target: string, path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    if (this.entries.has(path)) return 'EEXIST'
    this.#touchAbove(path)
    this.entries.set(path, { kind: 'symlink', target, ...newFacts('symlink') })
    return 'ok'
  }

  chmod(path: string, mode: number): string {
    return this.#edit(path, (entry) => {
      entry.mode = mode
      entry.isForeign = false
    })
  }

  utimens(path: string, mtime: bigint): string {
    return this.#edit(path, (entry) => {
      entry.mtime = mtime
      entry.isForeign = false
    })
  }

  setxattr(path: string, name: string, value: string): string {
    return this.#edit(path, ({ xattrs }) => xattrs.set(name, value))
  }

  removexattr(path: string, name: string): string {
    const entry = this.entries.get(path)
    if (entry && !this.#parentError(path) && !entry.xattrs.has(name)) return 'ENODATA'
    return this.#edit(path, ({ xattrs }) => xattrs.delete(name))
  }

  #edit(path: string, edit: (entry: Entry) => void): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    edit(entry)
    return 'ok'
  }

  /** A name came into the folder, or left it. */
  #touchAbove(path: string): void {
    const entry = this.entries.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    if (entry) entry.mtime = undefined
  }

  /** A file put there by another program, with the folders above it. @returns false where it cannot be */
  plant(path: string, bytes: Uint8Array): boolean {
    const components = path.split('/')
    if (this.entries.get(path)?.kind === 'directory') return false
    for (let depth = 1; depth < components.length; depth++) {
      const above = this.entries.get(components.slice(0, depth).join('/'))
      if (above && above.kind !== 'directory') return false
    }
    for (let depth = 1; depth < components.length; depth++) {
      const above = components.slice(0, depth).join('/')
      if (this.entries.has(above)) continue
      this.#touchAbove(above)
      this.entries.set(above, { ...newDirectory(), isForeign: true })
    }
    this.#touchAbove(path)
    const old = this.entries.get(path)
    const { mode, xattrs } = old?.kind === 'file' ? old : newFacts('file')
    this.entries.set(path, { kind: 'file', bytes, mode, xattrs, isForeign: true })
    return true
  }

  /** Another program removed the object. */
  uproot(path: string): void {
    this.#touchAbove(path)
    this.entries.delete(path)
  }

  /** Everything here is safe always. */
  sync(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    return entry.kind === 'file' ? 'ok' : 'EISDIR'
  }

  append(path: string, bytes: Uint8Array): string {
    const entry = this.entries.get(path)
    return this.write(path, entry?.kind === 'file' ? entry.bytes.length : 0, bytes, false)
  }

  truncate(path: string, size: number): string {
    const entry = this.entries.get(path)
    const parent = this.#parentError(path)
    if (parent) return parent
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    if (entry.kind === 'symlink') return 'ELOOP'
    if (size !== entry.bytes.length) entry.isForeign = false
    entry.mtime = undefined
    const next = new Uint8Array(size)
    next.set(entry.bytes.subarray(0, size))
    entry.bytes = next
    return 'ok'
  }

  punch(path: string, offset: number, length: number): string {
    const entry = this.entries.get(path)
    const parent = this.#parentError(path)
    if (parent) return parent
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    if (entry.kind === 'symlink') return 'ELOOP'
    entry.bytes = Uint8Array.from(entry.bytes)
    entry.bytes.fill(0, offset, offset + length)
    entry.mtime = undefined
    if (offset < entry.bytes.length) entry.isForeign = false
    return 'ok'
  }

  copy(from: string, to: string): string {
    const entry = this.entries.get(from)
    const parent = this.#parentError(from)
    if (parent) return parent
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    if (entry.kind === 'symlink') return 'ELOOP'
    if (from === to) return 'ok'
    return this.write(to, 0, entry.bytes, true)
  }

  mkdir(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    if (this.entries.has(path)) return 'EEXIST'
    this.#touchAbove(path)
    this.entries.set(path, newDirectory())
    return 'ok'
  }

  unlink(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    this.uproot(path)
    return 'ok'
  }

  rmdir(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    if (entry.kind !== 'directory') return 'ENOTDIR'
    if (this.names(path).length > 0) return 'ENOTEMPTY'
    this.uproot(path)
    return 'ok'
  }

  rename(from: string, to: string): string {
    const source = this.#parentError(from) ?? this.#parentError(to)
    if (source) return source
    const entry = this.entries.get(from)
    if (!entry) return 'ENOENT'
    if (from === to) return 'ok'
    if (entry.kind === 'directory' && `${to}/`.startsWith(`${from}/`)) return 'EINVAL'
    const target = this.entries.get(to)
    if (target && entry.kind === 'directory' && target.kind !== 'directory') return 'ENOTDIR'
    if (target && entry.kind !== 'directory' && target.kind === 'directory') return 'EISDIR'
    if (target?.kind === 'directory' && this.names(to).length > 0) return 'ENOTEMPTY'
    this.#touchAbove(from)
    this.#touchAbove(to)
    this.entries.delete(to)
    for (const [path, moved] of [...this.entries]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.entries.delete(path)
      this.entries.set(to + path.slice(from.length), moved)
    }
    return 'ok'
  }

  #parentError(path: string): string | undefined {
    const components = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= components.length; depth++) {
      const above = this.entries.get(components.slice(0, depth).join('/'))
      if (!above) return 'ENOENT'
      if (above.kind !== 'directory') return 'ENOTDIR'
    }
    return undefined
  }
}
