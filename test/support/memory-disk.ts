/**
 * A disk in memory that remembers every change, fails on demand, and can lose power.
 *
 * Each change is a numbered step. `cut(n, random)` gives a new disk that holds what a power cut
 * right after step n may leave: synced bytes and names for certain; of the rest any part, in any
 * order, writes torn at 512 bytes. `killed()` gives what a killed process leaves: everything.
 *
 * Harsher than ext4 in one way: fdatasync of a new file does not make its name durable, only
 * `syncDirectory` does (fsync(2), "Calling fsync() does not necessarily ensure that the entry in
 * the directory containing the file has also reached disk").
 */
import { dirname } from 'node:path'
import type { Random } from '../../engine/base/clock.ts'
import { type Disk, type DiskFile, diskError } from '../../engine/base/disk.ts'
import { MemoryFile } from './memory-file.ts'

export type DiskErrno = 'ENOSPC' | 'EIO' | 'ENOENT' | 'EEXIST' | 'ELOOP' | 'EBADF' | 'EMFILE'

/** One change of the disk. `node` names the file's content independently of its path. */
export type DiskStep =
  | { readonly op: 'create'; readonly path: string; readonly node: number }
  | {
      readonly op: 'write'
      readonly path: string
      readonly node: number
      readonly at: number
      readonly data: Uint8Array
    }
  | { readonly op: 'truncate'; readonly path: string; readonly node: number; readonly size: number }
  | { readonly op: 'sync'; readonly path: string; readonly node: number }
  | { readonly op: 'rename'; readonly path: string; readonly to: string; readonly node: number }
  | { readonly op: 'remove'; readonly path: string; readonly node: number }
  | { readonly op: 'makeDirectory'; readonly path: string }
  | { readonly op: 'syncDirectory'; readonly path: string }

/** Calls that a fault can hit: every step, and the calls that change nothing. */
export type DiskCall = DiskStep['op'] | 'read' | 'open' | 'list' | 'space'

export type DiskFault = {
  /** The N-th matching call from now on fails; 1 is the next one. */
  readonly at: number
  readonly errno: DiskErrno
  /** Without: every step counts, and nothing that only reads. */
  readonly calls?: readonly DiskCall[]
  /** Every later matching call fails, too. */
  readonly isLasting?: boolean
}

export type MemoryDiskOptions = {
  readonly capacityBytes?: number
  /** False: steps are counted, not kept; `cut` is not available. Saves memory in long runs. */
  readonly isRecording?: boolean
}

const SECTOR_BYTES = 512
const CAPACITY_BYTES = 2 ** 40
const READ_CALLS: ReadonlySet<string> = new Set(['read', 'open', 'list', 'space'])
const NAME_OPS: ReadonlySet<string> = new Set(['create', 'rename', 'remove', 'makeDirectory'])

export class MemoryDisk implements Disk {
  readonly steps: DiskStep[] = []
  /** Steps done since the beginning, recorded or not. */
  stepCount = 0
  /** Called before each change. */
  onStep: () => void = () => {}
  readonly #options: MemoryDiskOptions
  readonly #names = new Map<string, number>()
  readonly #directories = new Set<string>(['/'])
  readonly #links = new Set<string>()
  readonly #nodes = new Map<number, MemoryFile>()
  readonly #open = new Map<number, number>()
  #base: MemoryDisk | undefined
  #lastNode = 0
  #faults: Array<{ fault: DiskFault; seen: number }> = []
  #isDead = false

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options
  }

  /** Files open at the moment: a test that ends with more than none has found a leak. */
  get openFiles(): number {
    let count = 0
    for (const handles of this.#open.values()) count += handles
    return count
  }

  /** Bytes allocated by all files, in whole 4 KiB pages, as a real disk counts. */
  get usedBytes(): number {
    let bytes = 0
    for (const node of this.#nodes.values()) bytes += node.allocatedBytes
    return bytes
  }

  /** Paths of all files, sorted. */
  get paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  fail(fault: DiskFault): void {
    this.#faults.push({ fault, seen: 0 })
  }

  healed(): void {
    this.#faults = []
  }

  /** The content of a file, as a person with a hex editor sees it. */
  contentOf(path: string): Uint8Array {
    const node = this.#node(path)
    const bytes = new Uint8Array(node.sizeBytes)
    node.read(bytes, 0)
    return bytes
  }

  /** Changes a file behind everybody's back: not a step, survives every cut. */
  tamper(path: string, change: (file: MemoryFile) => void): void {
    change(this.#node(path))
  }

  flipBit(path: string, at: number): void {
    this.tamper(path, (file) => {
      const byte = new Uint8Array(1)
      file.read(byte, at)
      byte[0] = (byte[0] ?? 0) ^ 0x10
      file.write(byte, at)
    })
  }

  /** Deletes a file behind everybody's back; who has it open keeps reading, as on a real disk. */
  steal(path: string): void {
    this.#names.delete(path)
  }

  /** Puts a symbolic link at `path`: opening it fails, removing it removes the link. */
  plantLink(path: string): void {
    this.#names.delete(path)
    this.#links.add(path)
  }

  /** What a killed process leaves: every completed call. The old disk refuses further calls. */
  killed(): MemoryDisk {
    const next = new MemoryDisk(this.#options)
    this.#copyInto(next)
    this.#isDead = true
    return next
  }

  /**
   * What may be left when power goes right after step `count` (default: now).
   * @param random decides the fate of everything not synced; equal seeds give equal disks
   */
  cut(random: Random, count = this.steps.length): MemoryDisk {
    if (this.#options.isRecording === false) throw new Error('this disk does not record')
    const next = new MemoryDisk(this.#options)
    if (this.#base) this.#base.#copyInto(next)
    const steps = this.steps.slice(0, count)
    for (const step of survivors(steps, random)) next.#apply(step)
    next.#dropNameless()
    next.#rebase()
    return next
  }

  /** The disk is taken as it is for durable: earlier steps are forgotten. */
  checkpoint(): void {
    this.steps.length = 0
    this.#rebase()
  }

  async open(path: string, how: 'create' | 'write' | 'read'): Promise<DiskFile> {
    await this.#call('open', path)
    if (this.#links.has(path)) throw errno('ELOOP', path)
    let node = this.#names.get(path)
    if (node !== undefined && how === 'create') throw errno('EEXIST', path)
    if (node === undefined) {
      if (how === 'read' || !this.#directories.has(dirname(path))) throw errno('ENOENT', path)
      this.#fault('create', path)
      node = ++this.#lastNode
      this.#step({ op: 'create', path, node })
    }
    this.#open.set(node, (this.#open.get(node) ?? 0) + 1)
    return this.#handle(path, node, how !== 'read')
  }

  async exists(path: string): Promise<boolean> {
    await this.#turn()
    return this.#names.has(path) || this.#directories.has(path) || this.#links.has(path)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call('rename', from)
    const node = this.#names.get(from)
    if (node === undefined || !this.#directories.has(dirname(to))) throw errno('ENOENT', from)
    this.#step({ op: 'rename', path: from, to, node })
  }

  async remove(path: string): Promise<void> {
    await this.#call('remove', path)
    if (this.#links.delete(path)) return
    const node = this.#names.get(path)
    if (node !== undefined) this.#step({ op: 'remove', path, node })
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#call('makeDirectory', path)
    if (!this.#directories.has(path)) this.#step({ op: 'makeDirectory', path })
  }

  async list(path: string): Promise<string[]> {
    await this.#call('list', path)
    if (!this.#directories.has(path)) throw errno('ENOENT', path)
    const inside = path === '/' ? '/' : `${path}/`
    const names = new Set<string>()
    for (const known of [...this.#names.keys(), ...this.#directories, ...this.#links]) {
      if (known !== '/' && dirname(known) === path) names.add(known.slice(inside.length))
    }
    return [...names].sort()
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#call('syncDirectory', path)
    if (!this.#directories.has(path)) throw errno('ENOENT', path)
    this.#step({ op: 'syncDirectory', path })
  }

  async space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    await this.#call('space', path)
    return { freeBytes: this.#capacity - this.usedBytes, totalBytes: this.#capacity }
  }

  async allocatedBytes(path: string): Promise<number> {
    await this.#turn()
    return this.#links.has(path) ? 0 : this.#node(path).allocatedBytes
  }

  get #capacity(): number {
    return this.#options.capacityBytes ?? CAPACITY_BYTES
  }

  #handle(path: string, node: number, isWritable: boolean): DiskFile {
    let isClosed = false
    const enter = async (call: DiskCall) => {
      await this.#call(call, path)
      if (isClosed || (!isWritable && call !== 'read')) throw errno('EBADF', path)
      return this.#content(node)
    }
    return {
      read: async (into, position) => (await enter('read')).read(into, position),
      write: async (data, position) => {
        const file = await enter('write')
        if (file.growthOf(data.length, position) > this.#capacity - this.usedBytes) {
          throw errno('ENOSPC', path)
        }
        this.#step({ op: 'write', path, node, at: position, data: data.slice() })
      },
      truncate: async (size) => {
        await enter('truncate')
        this.#step({ op: 'truncate', path, node, size })
      },
      size: async () => this.#content(node).sizeBytes,
      sync: async () => {
        await enter('sync')
        this.#step({ op: 'sync', path, node })
      },
      close: async () => {
        if (isClosed) return
        isClosed = true
        this.#closed(node)
      },
    }
  }

  #closed(node: number): void {
    const left = (this.#open.get(node) ?? 1) - 1
    if (left > 0) this.#open.set(node, left)
    else this.#open.delete(node)
    this.#freeIfGone(node)
  }

  #step(step: DiskStep): void {
    this.onStep()
    // Power went in this very moment.
    if (this.#isDead) throw errno('EBADF', step.path)
    this.stepCount++
    if (this.#options.isRecording !== false) this.steps.push(step)
    this.#apply(step)
  }

  #apply(step: DiskStep): void {
    switch (step.op) {
      case 'create':
        this.#content(step.node)
        this.#names.set(step.path, step.node)
        break
      case 'write':
        this.#content(step.node).write(step.data, step.at)
        break
      case 'truncate':
        this.#content(step.node).truncate(step.size)
        break
      case 'rename':
        if (this.#names.get(step.path) === step.node) this.#names.delete(step.path)
        this.#bind(step.to, step.node)
        break
      case 'remove':
        if (this.#names.get(step.path) === step.node) this.#names.delete(step.path)
        this.#freeIfGone(step.node)
        break
      case 'makeDirectory':
        this.#addDirectory(step.path)
        break
      case 'sync':
      case 'syncDirectory':
        break
    }
  }

  #bind(path: string, node: number): void {
    const before = this.#names.get(path)
    this.#links.delete(path)
    this.#names.set(path, node)
    if (before !== undefined && before !== node) this.#freeIfGone(before)
  }

  #addDirectory(path: string): void {
    for (let at = path; !this.#directories.has(at); at = dirname(at)) this.#directories.add(at)
  }

  #content(node: number): MemoryFile {
    let file = this.#nodes.get(node)
    if (!file) {
      file = new MemoryFile()
      this.#nodes.set(node, file)
      this.#lastNode = Math.max(this.#lastNode, node)
    }
    return file
  }

  #node(path: string): MemoryFile {
    const node = this.#names.get(path)
    if (node === undefined) throw errno('ENOENT', path)
    return this.#content(node)
  }

  /** Like a real disk: a file without a name lives until it is closed. */
  #freeIfGone(node: number): void {
    if (this.#open.has(node)) return
    for (const named of this.#names.values()) if (named === node) return
    this.#nodes.delete(node)
  }

  #dropNameless(): void {
    for (const node of [...this.#nodes.keys()]) this.#freeIfGone(node)
    for (const path of this.#names.keys()) this.#addDirectory(dirname(path))
  }

  #rebase(): void {
    if (this.#options.isRecording === false) return
    this.#base = new MemoryDisk({ ...this.#options, isRecording: false })
    this.#copyInto(this.#base, false)
  }

  #copyInto(next: MemoryDisk, withBase = true): void {
    for (const [path, node] of this.#names) next.#names.set(path, node)
    for (const path of this.#directories) next.#directories.add(path)
    for (const path of this.#links) next.#links.add(path)
    for (const node of new Set(this.#names.values())) {
      next.#nodes.set(node, this.#content(node).copy())
    }
    next.#lastNode = this.#lastNode
    if (!withBase) return
    for (const step of this.steps) next.steps.push(step)
    next.#base = this.#base
  }

  async #call(call: DiskCall, path: string): Promise<void> {
    await this.#turn()
    this.#fault(call, path)
  }

  #fault(call: DiskCall, path: string): void {
    for (const entry of this.#faults) {
      const { at, errno: code, calls, isLasting } = entry.fault
      if (calls ? !calls.includes(call) : READ_CALLS.has(call)) continue
      entry.seen++
      if (entry.seen === at || (isLasting && entry.seen > at)) throw errno(code, path)
    }
  }

  async #turn(): Promise<void> {
    await Promise.resolve()
    if (this.#isDead) throw errno('EBADF', 'a killed process')
  }
}

function errno(code: DiskErrno, path: string): Error {
  return diskError(Object.assign(new Error(code), { code }), path)
}

/** Which steps are still there after a power cut, in their order, writes perhaps torn. Pure. */
function survivors(steps: readonly DiskStep[], random: Random): DiskStep[] {
  const kept: DiskStep[] = []
  const durable = durableSteps(steps)
  // Names not synced survive in the order of the file system's journal: up to some point.
  const namesEnd = Math.floor(random.next() * (steps.length + 1))
  const lossShare = random.next()
  steps.forEach((step, index) => {
    if (step.op === 'sync' || step.op === 'syncDirectory') return
    if (durable[index]) kept.push(step)
    else if (NAME_OPS.has(step.op)) {
      if (index < namesEnd) kept.push(step)
    } else if (random.next() >= lossShare) kept.push(step)
    else if (step.op === 'write') kept.push(...torn(step, random))
  })
  return kept
}

/** For each step: did a later sync of its file, or of its directory, make it durable? */
function durableSteps(steps: readonly DiskStep[]): boolean[] {
  const nodes = new Set<number>()
  const directories = new Set<string>()
  const durable: boolean[] = []
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index]
    if (step?.op === 'sync') nodes.add(step.node)
    else if (step?.op === 'syncDirectory') directories.add(step.path)
    else if (step?.op === 'write' || step?.op === 'truncate') durable[index] = nodes.has(step.node)
    else if (step) {
      const target = step.op === 'rename' ? dirname(step.to) : dirname(step.path)
      durable[index] = directories.has(dirname(step.path)) || directories.has(target)
    }
  }
  return durable
}

/** A lost write: nothing at all, its length alone (zeros), or some of its sectors. */
function torn(step: DiskStep & { op: 'write' }, random: Random): DiskStep[] {
  const fate = random.next()
  if (fate < 0.4) return []
  if (fate < 0.6) return [{ ...step, data: new Uint8Array(0), at: step.at + step.data.length }]
  const kept: DiskStep[] = []
  let from = step.at
  const end = step.at + step.data.length
  while (from < end) {
    const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    const data = step.data.subarray(from - step.at, to - step.at)
    if (random.next() < 0.5) kept.push({ ...step, at: from, data })
    from = to
  }
  return kept
}
