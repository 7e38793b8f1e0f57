/** The simplest file system that could be right: what Pail's must agree with. */

export type Entry = { kind: 'file'; bytes: Uint8Array } | { kind: 'directory' }

export class ReferenceTree {
  readonly entries = new Map<string, Entry>([['', { kind: 'directory' }]])

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
    const old = entry && !isTruncating ? entry.bytes : new Uint8Array(0)
    const next = new Uint8Array(Math.max(old.length, offset + bytes.length))
    next.set(old)
    next.set(bytes, offset)
    this.entries.set(path, { kind: 'file', bytes: next })
    return 'ok'
  }

  /** A file put there by another program, with the folders above it. @returns false where it cannot be */
  plant(path: string, bytes: Uint8Array): boolean {
    const components = path.split('/')
    if (this.entries.get(path)?.kind === 'directory') return false
    for (let depth = 1; depth < components.length; depth++) {
      if (this.entries.get(components.slice(0, depth).join('/'))?.kind === 'file') return false
    }
    for (let depth = 1; depth < components.length; depth++) {
      this.entries.set(components.slice(0, depth).join('/'), { kind: 'directory' })
    }
    this.entries.set(path, { kind: 'file', bytes })
    return true
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
    entry.bytes = Uint8Array.from(entry.bytes)
    entry.bytes.fill(0, offset, offset + length)
    return 'ok'
  }

  copy(from: string, to: string): string {
    const entry = this.entries.get(from)
    const parent = this.#parentError(from)
    if (parent) return parent
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    if (from === to) return 'ok'
    return this.write(to, 0, entry.bytes, true)
  }

  mkdir(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    if (this.entries.has(path)) return 'EEXIST'
    this.entries.set(path, { kind: 'directory' })
    return 'ok'
  }

  unlink(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    if (entry.kind === 'directory') return 'EISDIR'
    this.entries.delete(path)
    return 'ok'
  }

  rmdir(path: string): string {
    const parent = this.#parentError(path)
    if (parent) return parent
    const entry = this.entries.get(path)
    if (!entry) return 'ENOENT'
    if (entry.kind === 'file') return 'ENOTDIR'
    if (this.names(path).length > 0) return 'ENOTEMPTY'
    this.entries.delete(path)
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
    if (target && entry.kind === 'directory' && target.kind === 'file') return 'ENOTDIR'
    if (target && entry.kind === 'file' && target.kind === 'directory') return 'EISDIR'
    if (target?.kind === 'directory' && this.names(to).length > 0) return 'ENOTEMPTY'
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
      if (above.kind === 'file') return 'ENOTDIR'
    }
    return undefined
  }
}
