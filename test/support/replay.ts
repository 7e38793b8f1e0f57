/**
 * Does in a folder what a recorded program did in its own (`save-traces/*.txt`, made by
 * `reduce-strace.ts`): the same calls in the same order, with bytes of our own.
 *
 * Keeps: what is written depends on the step alone, so that two folders in which one recording was
 *        replayed hold the same.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseSteps } from './strace.ts'

const FOLDER = join(import.meta.dirname, 'save-traces')
const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY } = fs.constants
const FLAGS: Readonly<Record<string, number>> = {
  ...{ O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY },
}

export type SaveTrace = {
  readonly name: string
  /** What was there before, with its size. */
  readonly before: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number }>
  readonly steps: ReadonlyArray<readonly string[]>
}

export function saveTraces(): SaveTrace[] {
  return readdirSync(FOLDER).map((file) => {
    const lines = parseSteps(readFileSync(join(FOLDER, file), 'utf8'))
    const before = lines.filter(([what]) => what === 'before')
    return {
      name: basename(file, '.txt'),
      before: before.map(([, name = '', size]) => ({ name, sizeBytes: Number(size) })),
      steps: lines.filter(([what]) => what !== 'before'),
    }
  })
}

/** Bytes that tell where they stand, and in which open file they were written. */
export function bytesAt(file: number, offset: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0; at < sizeBytes; at++) {
    const place = offset + at
    bytes[at] = (place * 31 + (place >> 8) * 17 + file * 89) & 0xff
  }
  return bytes
}

export async function writeBefore(dir: string, { before }: SaveTrace): Promise<void> {
  for (const { name, sizeBytes } of before) {
    await fs.writeFile(join(dir, name), bytesAt(0, 0, sizeBytes))
  }
}

export async function replay(dir: string, { steps }: SaveTrace): Promise<void> {
  const player = new Player(dir)
  for (const step of steps) await player.play(step)
  await player.end()
}

class Player {
  readonly #dir: string
  readonly #open = new Map<string, fs.FileHandle>()

  constructor(dir: string) {
    this.#dir = dir
  }

  async play([what = '', first = '', ...rest]: readonly string[]): Promise<void> {
    const isOpenFile = /^\d+$/.test(first) && this.#open.has(first)
    if (what === 'open') return this.#openFile(first, rest)
    if (isOpenFile) return this.#onFile(what, first, rest)
    return this.#onName(what, join(this.#dir, first), rest)
  }

  /** What a program leaves open its end closes. */
  async end(): Promise<void> {
    for (const handle of this.#open.values()) await handle.close()
  }

  async #openFile(number: string, [name = '', flags = '', mode = '0666']: readonly string[]) {
    const bits = flags.split('|').reduce((all, flag) => all | (FLAGS[flag] ?? 0), 0)
    const path = join(this.#dir, name)
    this.#open.set(number, await fs.open(path, bits, Number.parseInt(mode, 8) & 0o777))
  }

  async #onFile(what: string, number: string, [first = '', second]: readonly string[]) {
    const handle = this.#open.get(number)
    if (!handle) throw new Error(`${number} is not open`)
    switch (what) {
      case 'read':
        await handle.read(Buffer.alloc(Number(second)), 0, Number(second), Number(first))
        return
      case 'write': {
        const bytes = bytesAt(Number(number), Number(first), Number(second))
        await handle.write(bytes, 0, bytes.length, Number(first))
        return
      }
      case 'append':
        await handle.write(bytesAt(Number(number), 0, Number(first)))
        return
      case 'size':
        return handle.truncate(Number(first))
      case 'sync':
        return handle.sync()
      case 'mode':
        return handle.chmod(Number.parseInt(first, 8))
      case 'times':
        return handle.utimes(TIME, TIME)
      case 'flush':
        return closeElsewhere(handle)
      case 'close':
        this.#open.delete(number)
        return handle.close()
      default:
        throw new Error(`nobody knows how to ${what} an open file`)
    }
  }

  async #onName(what: string, path: string, [first = '']: readonly string[]): Promise<void> {
    switch (what) {
      case 'rename':
        return fs.rename(path, join(this.#dir, first))
      case 'symlink':
        return fs.symlink(first, path)
      case 'unlink':
        return fs.unlink(path)
      case 'mkdir':
        await fs.mkdir(path, Number.parseInt(first, 8))
        return
      case 'rmdir':
        return fs.rmdir(path)
      case 'mode':
        return fs.chmod(path, Number.parseInt(first, 8))
      case 'size':
        return fs.truncate(path, Number(first))
      case 'times':
        return fs.lutimes(path, TIME, TIME)
      default:
        throw new Error(`nobody knows how to ${what} ${path}`)
    }
  }
}

const TIME = new Date('2026-01-02T03:04:05Z')

/** A child that inherited the file ends: the file system is told of a close, and the file stays open. */
async function closeElsewhere(handle: fs.FileHandle): Promise<void> {
  await once(spawn('true', { stdio: [handle.fd, 'ignore', 'ignore'] }), 'close')
}
