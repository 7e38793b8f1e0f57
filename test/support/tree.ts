/**
 * Trees of files: a real one with names and sizes as people have them, and what is in one.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const NODE_MODULES = resolve(import.meta.dirname, '../../node_modules')
export const KIB = 1024
const BLOCK_BYTES = 64 * KIB
export const MIB = 1024 * KIB

/** About 900 files of source, maps and minified code. */
const PACKAGES = ['zod', 'react-dom', 'commander']
/** Around every boundary that matters: pages, blocks, parts. */
const SIZES = [
  0,
  1,
  4095,
  4096,
  4097,
  64 * KIB,
  128 * KIB + 1,
  MIB - 1,
  MIB,
  MIB + 1,
  2 * MIB - 1,
  5 * MIB,
  16 * MIB + 1,
]
const SMALL_FILES = 150
const ODD_NAMES = [
  'with space',
  ' leading and trailing ',
  'größe ünïcode 漢字 🪣',
  'e\u0301 decomposed',
  '\u00e9 composed',
  `it's "quoted"`,
  'back\\slash',
  'fi le (1) #?&%41+.txt',
  '100%',
  '%2F',
  'a=b&c;d,e@f:g!h$i*j',
  '<tag attr="x">&amp;',
  '..dots',
  '...',
  '-rf',
  '~',
  'tab\tand\nnewline',
  'CON',
  'trailing.',
  '.hidden',
  '*',
  'x'.repeat(200),
]

/** Numbers that repeat with their seed; not for secrets. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0, below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  bytes(length: number): Buffer {
    const blocks: Buffer[] = []
    for (let made = 0; made < length; made += BLOCK_BYTES) {
      blocks.push(stretch(`${this.below(2 ** 31)}`, Math.min(BLOCK_BYTES, length - made)))
    }
    return Buffer.concat(blocks)
  }
}

/** Hashing everything would be slow: one hash fills a block, and blocks differ. */
function stretch(key: string, length: number): Buffer {
  const seed = createHash('sha512').update(key).digest()
  const block = Buffer.alloc(length)
  for (let at = 0; at < length; at += seed.length) {
    seed.writeUInt32LE((seed.readUInt32LE(0) + at) >>> 0, 0)
    seed.copy(block, at)
  }
  return block
}

/** At least 1,000 files of mixed sizes below `dir`. */
export async function makeRealTree(dir: string, seed: number): Promise<void> {
  await fs.mkdir(join(dir, 'packages'), { recursive: true })
  for (const name of PACKAGES) {
    await run('cp', ['-r', join(NODE_MODULES, name), join(dir, 'packages', name)])
  }
  await writeFiles(dir, generatedFiles(new Dice(seed)))
}

function* generatedFiles(dice: Dice): Iterable<readonly [string, Buffer]> {
  for (const size of SIZES) yield [`sizes/${size}.bin`, dice.bytes(size)]
  for (const name of ODD_NAMES) yield [`odd names/${name}`, dice.bytes(100 + dice.below(900))]
  for (const name of ODD_NAMES) yield [`odd folders/${name}/${name}`, dice.bytes(50)]
  for (let index = 0; index < SMALL_FILES; index++) {
    const deep = Array.from({ length: index % 8 }, (_, level) => `level ${level}`)
    yield [['small', ...deep, `${index}.txt`].join('/'), dice.bytes(dice.below(20 * KIB))]
  }
}

export async function writeFiles(
  dir: string,
  files: Iterable<readonly [string, Buffer]>,
): Promise<void> {
  for (const [name, content] of files) {
    await fs.mkdir(join(dir, dirname(name)), { recursive: true })
    await fs.writeFile(join(dir, name), content)
  }
}

/** Writes a large file without holding it in memory. */
export async function writeLarge(path: string, sizeBytes: number, seed: number): Promise<void> {
  const dice = new Dice(seed)
  const file = await fs.open(path, 'w')
  try {
    for (let left = sizeBytes; left > 0; left -= 4 * MIB) {
      await file.write(dice.bytes(Math.min(4 * MIB, left)))
    }
  } finally {
    await file.close()
  }
}

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path, { highWaterMark: MIB })) hash.update(part)
  return hash.digest('hex')
}

/** Paths below `dir`, relative to it: what a person sees there. */
export async function pathsBelow(dir: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await fs.readdir(dir, { recursive: true, withFileTypes: true })
  const nameOf = (entry: (typeof entries)[number]) =>
    relative(dir, join(entry.parentPath, entry.name))
  const files = entries.filter((entry) => entry.isFile()).map(nameOf)
  const folders = entries.filter((entry) => entry.isDirectory()).map(nameOf)
  return { files: files.sort(), folders: folders.sort() }
}

export type Hashes = Readonly<Record<string, string>>

/** SHA-256 of every file below `dir`. */
export async function hashesBelow(dir: string): Promise<Hashes> {
  const { files } = await pathsBelow(dir)
  return hashesOf(files, (name) => hashOfFile(join(dir, name)))
}

/** In the order of `names`, whatever ends first. */
export async function hashesOf(
  names: readonly string[],
  hashOne: (name: string) => Promise<string>,
): Promise<Hashes> {
  const hashes: Record<string, string> = {}
  for (const name of names) hashes[name] = ''
  await inParallel(names, 8, async (name) => {
    hashes[name] = await hashOne(name)
  })
  return hashes
}

export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items]
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: limit }, lane))
}
