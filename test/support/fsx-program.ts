/**
 * A file system exerciser: random operations on one file, each compared with bytes in memory.
 *
 * Runs in: a process of its own (fsx.ts starts it), so that a hang can be ended. It prints one line
 * of JSON: how many operations of each kind it did, or what was wrong after which operations.
 */
import * as fs from 'node:fs'
import type { FsxKind, FsxRequest, FsxResult } from './fsx.ts'
import { copyFileRange, Fallocate, fallocate, Mapping, seek, Whence } from './system-calls.ts'
import { Dice } from './tree.ts'

const HISTORY_MAX = 40

class Exerciser {
  readonly counts: Record<string, number> = {}
  readonly history: string[] = []
  operations = 0
  readonly #request: FsxRequest
  readonly #dice: Dice
  readonly #model: Buffer
  #size = 0
  #fd: number

  constructor(request: FsxRequest) {
    this.#request = request
    this.#dice = new Dice(request.seed)
    this.#model = Buffer.alloc(request.sizeBytesMax)
    this.#fd = fs.openSync(request.path, 'w+')
  }

  run(): void {
    while (this.operations < this.#request.operations) {
      const kind = this.#dice.pick(this.#request.kinds)
      this.#note(kind)
      this.#do(kind)
      this.operations++
      this.counts[kind] = (this.counts[kind] ?? 0) + 1
      const { size } = fs.fstatSync(this.#fd)
      if (size !== this.#size) throw new Error(`size ${size} in place of ${this.#size}`)
    }
    this.#reopen()
    const whole = fs.readFileSync(this.#fd)
    this.#compare(whole, { start: 0, end: this.#size })
    fs.closeSync(this.#fd)
  }

  #do(kind: FsxKind): void {
    const work: Record<FsxKind, () => void> = {
      read: () => this.#read(),
      write: () => this.#write(),
      append: () => this.#append(),
      truncate: () => this.#truncate(),
      'map-read': () => this.#withMapping('shared', (bytes, range) => this.#compare(bytes, range)),
      'map-write': () => this.#mapWrite(),
      'map-private': () => this.#withMapping('private', (bytes) => bytes.fill(1)),
      reopen: () => this.#reopen(),
      sync: () => fs.fsyncSync(this.#fd),
      allocate: () => this.#allocate(0),
      'allocate-beyond': () => this.#allocate(Fallocate.KEEP_SIZE),
      punch: () => this.#zero(Fallocate.PUNCH_HOLE | Fallocate.KEEP_SIZE),
      zero: () => this.#zero(Fallocate.ZERO),
      'copy-range': () => this.#copyRange(),
      seek: () => this.#seek(),
    }
    work[kind]()
  }

  #note(text: string): void {
    this.history.push(text)
    if (this.history.length > HISTORY_MAX) this.history.shift()
  }

  /** Somewhere in the file, or up to its largest size. */
  #range(limit: number): { start: number; end: number } {
    const start = this.#dice.below(limit)
    const length = 1 + this.#dice.below(this.#request.operationBytesMax)
    const range = { start, end: Math.min(limit, start + length) }
    this.#note(`  ${range.start} to ${range.end} of ${this.#size}`)
    return range
  }

  #data(length: number): Buffer {
    const data = this.#dice.bytes(length)
    return Buffer.from(data.buffer, data.byteOffset, data.length)
  }

  #compare(seen: Uint8Array, { start, end }: { start: number; end: number }): void {
    const expected = this.#model.subarray(start, end)
    if (expected.equals(seen)) return
    let index = 0
    while (index < expected.length && expected[index] === seen[index]) index++
    const length = `${seen.length} bytes read, ${expected.length} expected`
    throw new Error(`byte ${start + index} is ${seen[index]}, not ${expected[index]}: ${length}`)
  }

  #grow(end: number): void {
    if (end <= this.#size) return
    this.#size = end
  }

  #read(): void {
    const { start, end } = this.#range(this.#request.sizeBytesMax)
    const into = Buffer.alloc(end - start)
    const count = fs.readSync(this.#fd, into, 0, into.length, start)
    this.#compare(into.subarray(0, count), {
      start,
      end: Math.max(start, Math.min(end, this.#size)),
    })
  }

  #write(): void {
    const { start, end } = this.#range(this.#request.sizeBytesMax)
    const data = this.#data(end - start)
    data.copy(this.#model, start)
    this.#grow(end)
    const count = fs.writeSync(this.#fd, data, 0, data.length, start)
    if (count !== data.length) throw new Error(`${count} of ${data.length} bytes written`)
  }

  #append(): void {
    const room = Math.min(this.#request.sizeBytesMax - this.#size, this.#request.operationBytesMax)
    if (room <= 0) return
    const data = this.#data(1 + this.#dice.below(room))
    data.copy(this.#model, this.#size)
    const fd = fs.openSync(this.#request.path, 'a')
    // Closed by the very descriptor that wrote: the other one has to see it at once.
    fs.writeSync(fd, data)
    fs.closeSync(fd)
    this.#grow(this.#size + data.length)
  }

  #truncate(): void {
    const size = this.#dice.below(this.#request.sizeBytesMax + 1)
    this.#note(`  from ${this.#size} to ${size}`)
    if (size < this.#size) this.#model.fill(0, size, this.#size)
    this.#size = size
    if (this.#dice.below(2) === 0) fs.ftruncateSync(this.#fd, size)
    else fs.truncateSync(this.#request.path, size)
  }

  #withMapping(
    kind: 'shared' | 'private',
    work: (bytes: Uint8Array, range: { start: number; end: number }) => unknown,
  ): void {
    if (this.#size === 0) return
    const range = this.#range(this.#size)
    const lengthBytes = range.end - range.start
    const mapping = new Mapping(this.#fd, { offset: range.start, lengthBytes }, kind)
    try {
      work(mapping.bytes, range)
      if (kind === 'shared' && this.#dice.below(2) === 0) mapping.sync()
    } finally {
      mapping.unmap()
    }
  }

  #mapWrite(): void {
    this.#withMapping('shared', (bytes, { start, end }) => {
      const data = this.#data(end - start)
      data.copy(this.#model, start)
      bytes.set(data)
    })
  }

  #reopen(): void {
    fs.closeSync(this.#fd)
    this.#fd = fs.openSync(this.#request.path, 'r+')
  }

  #allocate(mode: number): void {
    const { start, end } = this.#range(this.#request.sizeBytesMax)
    fallocate(this.#fd, mode, start, end - start)
    if (mode === 0) this.#grow(end)
  }

  #zero(mode: number): void {
    const { start, end } = this.#range(this.#request.sizeBytesMax)
    fallocate(this.#fd, mode, start, end - start)
    this.#model.fill(0, start, end)
    if ((mode & Fallocate.KEEP_SIZE) === 0) this.#grow(end)
  }

  #copyRange(): void {
    if (this.#size === 0) return
    const from = this.#range(this.#size)
    const lengthBytes = from.end - from.start
    const at = this.#dice.below(this.#request.sizeBytesMax - lengthBytes + 1)
    // Ranges that overlap in one file are refused everywhere.
    if (at < from.end && from.start < at + lengthBytes) return
    this.#note(`  into ${at}`)
    this.#model.copyWithin(at, from.start, from.end)
    this.#grow(at + lengthBytes)
    for (let done = 0; done < lengthBytes; ) {
      const source = { fd: this.#fd, at: from.start + done }
      const copied = copyFileRange(source, { fd: this.#fd, at: at + done }, lengthBytes - done)
      if (copied === 0) throw new Error(`${done} of ${lengthBytes} bytes copied`)
      done += copied
    }
  }

  /** What is called a hole holds zeros alone. */
  #seek(): void {
    const start = this.#dice.below(this.#request.sizeBytesMax)
    if (start >= this.#size) return
    const hole = seek(this.#fd, start, Whence.HOLE)
    this.#note(`  hole at ${hole} after ${start} of ${this.#size}`)
    if (hole < start || hole > this.#size) throw new Error(`hole at ${hole} after ${start}`)
    if (hole === this.#size) return
    const end = this.#dataAfter(hole)
    if (end <= hole) throw new Error(`data at ${end} in a hole from ${hole}`)
    if (this.#model.subarray(hole, end).some((byte) => byte !== 0)) {
      throw new Error(`data in the hole from ${hole} to ${end}`)
    }
  }

  #dataAfter(hole: number): number {
    try {
      return seek(this.#fd, hole, Whence.DATA)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENXIO') return this.#size
      throw thrown
    }
  }
}

function exercise(request: FsxRequest): FsxResult {
  const exerciser = new Exerciser(request)
  try {
    exerciser.run()
    return { operations: exerciser.operations, counts: exerciser.counts }
  } catch (thrown) {
    const { operations, counts, history } = exerciser
    return { operations, counts, wrong: { what: String(thrown), history } }
  }
}

process.stdout.write(JSON.stringify(exercise(JSON.parse(process.argv[2] ?? '') as FsxRequest)))
