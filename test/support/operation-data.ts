/** What programs do to the bytes of files, in the less usual ways: the same here as anywhere. */
import * as fs from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { digest, look, type Script } from './operation-look.ts'
import { Mapping, Rename, renameWith, WriteFlag, writeWith } from './system-calls.ts'

const KIB = 1024
const GIB = KIB ** 3

const codeOf = (work: () => unknown): unknown => {
  try {
    return work() ?? 'done'
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown)
  }
}

function readAt(fd: number, offset: number, length: number): string {
  const into = Buffer.alloc(length)
  return into.toString('latin1', 0, fs.readSync(fd, into, 0, length, offset))
}

const DATA: Record<string, Script> = {
  async 'what is written to a map is in the file, whichever is closed first'(dir) {
    const path = join(dir, 'mapped')
    fs.writeFileSync(path, Buffer.alloc(20_000, 'a'))
    const fd = fs.openSync(path, 'r+')
    const map = new Mapping(fd, { offset: 0, lengthBytes: 20_000 }, 'shared')
    map.bytes.set(Buffer.from('before the close'), 5_000)
    fs.closeSync(fd)
    map.bytes.set(Buffer.from('after the close'), 15_000)
    map.unmap()
    return look(dir)
  },

  async 'a private map changes nothing'(dir) {
    const path = join(dir, 'mapped')
    fs.writeFileSync(path, Buffer.alloc(20_000, 'a'))
    const fd = fs.openSync(path, 'r+')
    const map = new Mapping(fd, { offset: 4096, lengthBytes: 10_000 }, 'private')
    map.bytes.fill(7)
    const seen = digest(map.bytes)
    map.unmap()
    fs.closeSync(fd)
    return [seen, await look(dir)]
  },

  async 'a map and reads of one file see the same bytes'(dir) {
    const fd = fs.openSync(join(dir, 'both'), 'w+')
    fs.writeSync(fd, Buffer.alloc(9_000, 'x'))
    const map = new Mapping(fd, { offset: 0, lengthBytes: 9_000 }, 'shared')
    const before = Buffer.from(map.bytes).toString('latin1', 4_090, 4_100)
    fs.writeSync(fd, 'written', 4_092)
    const written = Buffer.from(map.bytes).toString('latin1', 4_090, 4_100)
    map.bytes.set(Buffer.from('mapped'), 8_000)
    const read = readAt(fd, 7_998, 10)
    map.unmap()
    fs.closeSync(fd)
    return [before, written, read, await look(dir)]
  },

  async 'a file that was removed is there for who has it open, in any way it was removed'(dir) {
    const seen: unknown[] = []
    const ways: Array<(path: string) => void> = [
      (path) => fs.unlinkSync(path),
      (path) => {
        fs.writeFileSync(join(dir, 'other'), 'other')
        fs.renameSync(join(dir, 'other'), path)
      },
      (path) => fs.rmSync(join(path, '..'), { recursive: true }),
    ]
    for (const remove of ways) {
      fs.mkdirSync(join(dir, 'd'), { recursive: true })
      const path = join(dir, 'd', 'f')
      fs.writeFileSync(path, 'content')
      const fd = fs.openSync(path, 'r+')
      remove(path)
      fs.writeSync(fd, 'CON', 0)
      fs.ftruncateSync(fd, 5)
      fs.fsyncSync(fd)
      fs.fchmodSync(fd, 0o600)
      const { nlink, size, mode } = fs.fstatSync(fd)
      seen.push(nlink, size, mode, readAt(fd, 0, 10))
      fs.ftruncateSync(fd, 9_000)
      seen.push(digest(Buffer.from(readAt(fd, 0, 10_000), 'latin1')))
      fs.closeSync(fd)
      seen.push(await look(dir))
    }
    return seen
  },

  async 'a length set by name or by descriptor is seen by both at once'(dir) {
    const path = join(dir, 'f')
    const fd = fs.openSync(path, 'w+')
    const seen: number[] = []
    for (const size of [0xe1d85, 0xd5672, 100, 0, 70_000]) {
      fs.ftruncateSync(fd, size)
      seen.push(fs.fstatSync(fd).size, fs.statSync(path).size)
      fs.truncateSync(path, size + 5)
      seen.push(fs.fstatSync(fd).size, fs.statSync(path).size)
    }
    fs.closeSync(fd)
    return [seen, await look(dir)]
  },

  async 'a length beyond 4 GiB is kept, and both ends can be read'(dir) {
    const path = join(dir, 'long')
    const fd = fs.openSync(path, 'w+')
    fs.writeSync(fd, 'start', 0)
    fs.ftruncateSync(fd, 5 * GIB)
    const grown = fs.fstatSync(fd).size
    fs.writeSync(fd, 'far', 4 * GIB + 1)
    const seen = [readAt(fd, 0, 8), readAt(fd, 4 * GIB - 2, 8), readAt(fd, 5 * GIB - 3, 8)]
    fs.ftruncateSync(fd, 4 * GIB + 2)
    seen.push(readAt(fd, 4 * GIB - 1, 8))
    // What is left of it is small, so that it can be compared, and uploaded.
    fs.ftruncateSync(fd, 3)
    fs.closeSync(fd)
    return [grown, seen, await look(dir)]
  },

  async 'single writes may append, or be safe at once'(dir) {
    const fd = fs.openSync(join(dir, 'f'), 'w+')
    fs.writeSync(fd, '0123456789', 0)
    const seen = [
      codeOf(() => writeWith(fd, Buffer.from('appended'), 2, WriteFlag.APPEND)),
      codeOf(() => writeWith(fd, Buffer.from('safe'), 1, WriteFlag.SYNC)),
      codeOf(() => writeWith(fd, Buffer.from('data'), 20, WriteFlag.DATA_SYNC)),
      codeOf(() => writeWith(fd, Buffer.from('x'), 0, 0x4000_0000)),
    ]
    fs.closeSync(fd)
    return [seen, await look(dir)]
  },

  async 'a rename that must not replace does not'(dir) {
    const at = (name: string) => join(dir, name)
    for (const name of ['a', 'b']) fs.writeFileSync(at(name), name)
    fs.mkdirSync(at('d'))
    const seen = [
      codeOf(() => renameWith(at('a'), at('b'), Rename.NOREPLACE)),
      codeOf(() => renameWith(at('a'), at('d'), Rename.NOREPLACE)),
      codeOf(() => renameWith(at('d'), at('a'), Rename.NOREPLACE)),
      codeOf(() => renameWith(at('a'), at('c'), Rename.NOREPLACE)),
    ]
    return [seen, await look(dir)]
  },

  async 'of two who create a file, one is refused'(dir) {
    const path = join(dir, 'once')
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, () => fs.promises.writeFile(path, 'x', { flag: 'wx' })),
    )
    const made = attempts.filter(({ status }) => status === 'fulfilled').length
    return [made, await readdir(dir)]
  },
}

export const DATA_OPERATIONS: ReadonlyArray<readonly [string, Script]> = Object.entries(DATA)
