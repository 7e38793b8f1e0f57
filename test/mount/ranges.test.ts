import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { copyFileRange, Fallocate, fallocate, seek, Whence } from '../support/system-calls.ts'
import { Dice, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'ranges'
const KEEP = Fallocate.KEEP_SIZE
const PUNCH = Fallocate.PUNCH_HOLE | KEEP

const PUNCHED = Buffer.from(new Dice(3).bytes(40 * MIB))
const SOURCE = Buffer.from(new Dice(4).bytes(3 * MIB))

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  await s3.put(BUCKET, 'punched', PUNCHED)
  await s3.put(BUCKET, 'stored', Buffer.alloc(3 * MIB))
  await s3.put(BUCKET, 'source', SOURCE)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

function withFile<T>(name: string, flags: string, work: (fd: number) => T): T {
  const fd = fs.openSync(mount.path(name), flags)
  try {
    return work(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const sizeOf = (fd: number): number => fs.fstatSync(fd).size

describe('Allocated ranges', () => {
  test('make a file longer by zeros, or reserve room beyond its end', async () => {
    await writeFile(mount.path('allocated'), 'text')
    withFile('allocated', 'r+', (fd) => {
      fallocate(fd, KEEP, 0, 100_000)
      expect(sizeOf(fd)).toBe(4)
      fallocate(fd, 0, 2, 10)
      expect(sizeOf(fd)).toBe(12)
      fallocate(fd, Fallocate.ZERO, 1, 20)
      expect(sizeOf(fd)).toBe(21)
      fallocate(fd, Fallocate.ZERO | KEEP, 0, 100)
      expect(sizeOf(fd)).toBe(21)
    })
    expect(await readFile(mount.path('allocated'))).toEqual(Buffer.alloc(21))
  })

  test('that the disk cannot hold are refused', () => {
    withFile('huge', 'w', (fd) => {
      expect(() => fallocate(fd, 0, 0, 9_000_000_000_000)).toThrow('ENOSPC')
      expect(sizeOf(fd)).toBe(0)
    })
  })

  test('are the only ones: what moves bytes is not supported', async () => {
    await writeFile(mount.path('moved'), Buffer.alloc(16_384, 1))
    withFile('moved', 'r+', (fd) => {
      expect(() => fallocate(fd, Fallocate.COLLAPSE, 0, 4096)).toThrow('EOPNOTSUPP')
      expect(() => fallocate(fd, Fallocate.INSERT, 0, 4096)).toThrow('EOPNOTSUPP')
    })
  })
})

describe('Direct access', () => {
  test('reads and writes at any place and of any length, and is seen by other programs', () => {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_DIRECT
    const direct = fs.openSync(mount.path('direct'), flags)
    const expected = Buffer.alloc(300_007)
    const dice = new Dice(8)
    for (const [at, length] of [
      [0, 4096],
      [4096, 300_000 - 4096],
      [299_999, 8],
      [17, 1],
    ] as const) {
      const bytes = Buffer.from(dice.bytes(length))
      bytes.copy(expected, at)
      fs.writeSync(direct, bytes, 0, length, at)
    }
    withFile('direct', 'r+', (fd) => {
      expect(fs.readFileSync(fd).equals(expected)).toBe(true)
      fs.writeSync(fd, 'through the page cache', 5_001)
      expected.write('through the page cache', 5_001)
      const seen = Buffer.alloc(5_003)
      expect(fs.readSync(direct, seen, 0, seen.length, 4_999)).toBe(5_003)
      expect(seen.equals(expected.subarray(4_999, 10_002))).toBe(true)
      fs.writeSync(direct, 'directly', 3)
      expected.write('directly', 3)
      fs.closeSync(direct)
      const start = Buffer.alloc(20)
      fs.readSync(fd, start, 0, 20, 0)
      expect(start.equals(expected.subarray(0, 20))).toBe(true)
    })
  })
})

describe('A punched range', () => {
  test('of a large object is zeros, also after a crash, and is not copied from the old object', async () => {
    const bytes = Buffer.from(PUNCHED)
    await server.resetRequests()
    withFile('punched', 'r+', (fd) => {
      fallocate(fd, PUNCH, 10 * MIB + 5, 9 * MIB)
      fallocate(fd, PUNCH, 39 * MIB, 5 * MIB)
      fs.writeSync(fd, 'within', 12 * MIB)
      expect(sizeOf(fd)).toBe(40 * MIB)
    })
    bytes.fill(0, 10 * MIB + 5, 19 * MIB + 5)
    bytes.fill(0, 39 * MIB)
    bytes.write('within', 12 * MIB)
    await mount.kill9()
    await mount.remount()
    expect(sha256(await readFile(mount.path('punched')))).toBe(sha256(bytes))
    await mount.flush()
    expect(await s3.sha256Of(BUCKET, 'punched')).toBe(sha256(bytes))
    // One of them is the probe's.
    expect((await server.requests()).byAction.s3_UploadPartCopy).toBeGreaterThan(1)
  })
})

describe('Looking for holes', () => {
  test('finds what was never written, and data everywhere else', () => {
    withFile('stored', 'r', (fd) => {
      expect(seek(fd, 5, Whence.DATA)).toBe(5)
      expect(seek(fd, 5, Whence.HOLE)).toBe(3 * MIB)
      expect(() => seek(fd, 3 * MIB, Whence.DATA)).toThrow('ENXIO')
    })
    withFile('sparse', 'w+', (fd) => {
      fs.writeSync(fd, 'middle', 2 * MIB)
      fs.ftruncateSync(fd, 6 * MIB)
      expect(seek(fd, 0, Whence.HOLE)).toBe(0)
      expect(seek(fd, 0, Whence.DATA)).toBe(2 * MIB)
      expect(seek(fd, 2 * MIB, Whence.HOLE)).toBe(2 * MIB + 6)
      expect(() => seek(fd, 3 * MIB, Whence.DATA)).toThrow('ENXIO')
      expect(() => seek(fd, 6 * MIB, Whence.HOLE)).toThrow('ENXIO')
      withFile('sparse', 'r+', () => {
        expect(seek(fd, 0, Whence.HOLE), 'it may be mapped there').toBe(6 * MIB)
      })
    })
  })
})

describe('A copied file', () => {
  const LARGE = Buffer.from(new Dice(5).bytes(24 * MIB))

  /** What the copies of one script asked of the server, beside listings and looks. */
  async function requestsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await server.resetRequests()
    await work()
    await mount.flush()
    const { byAction } = await server.requests()
    const isLook = /List|Head/
    return Object.fromEntries(Object.entries(byAction).filter(([name]) => !isLook.test(name)))
  }

  test('of a large object is copied by the server, and there when it is closed', async () => {
    await writeFile(mount.path('large'), LARGE)
    await mount.flush()
    const seen = await requestsOf(async () => {
      await run('cp', [mount.path('large'), mount.path('copy')])
      expect(await s3.sha256Of(BUCKET, 'copy')).toBe(sha256(LARGE))
      await run('rm', [mount.path('large')])
    })
    expect(seen.s3_CopyObject).toBe(1)
    expect(seen.s3_PutObject).toBeUndefined()
    expect(sha256(await readFile(mount.path('copy')))).toBe(sha256(LARGE))
    expect((await s3.head(BUCKET, 'copy'))?.metadata.mode).toBe(String(0o100644))
  })

  test('keeps its own attributes, and takes the place of what was there', async () => {
    await writeFile(mount.path('replaced'), 'short')
    await mount.flush()
    fs.utimesSync(mount.path('copy'), 1_000_000_000, 1_000_000_000)
    await mount.flush()
    await run('cp', ['-p', mount.path('copy'), mount.path('replaced')])
    await mount.flush()
    expect(await s3.sha256Of(BUCKET, 'replaced')).toBe(sha256(LARGE))
    expect((await s3.head(BUCKET, 'replaced'))?.metadata.mtime).toBe('1000000000')
    expect(fs.statSync(mount.path('replaced')).mtimeMs).toBe(1_000_000_000_000)
  })

  test('that is changed before it is closed holds the change and everything else', async () => {
    withFile('copy', 'r', (from) =>
      withFile('changed', 'w+', (to) => {
        for (let at = 0; at < LARGE.length; ) {
          at += copyFileRange({ fd: from, at }, { fd: to, at }, LARGE.length - at)
        }
        fs.writeSync(to, 'changed', 9 * MIB)
        fallocate(to, PUNCH, 100, 5_000)
        const seen = Buffer.alloc(20)
        fs.readSync(to, seen, 0, 20, 9 * MIB - 5)
        expect(seen.toString('latin1', 5, 12)).toBe('changed')
        fs.ftruncateSync(to, 20 * MIB)
      }),
    )
    const expected = Buffer.from(LARGE.subarray(0, 20 * MIB))
    expected.write('changed', 9 * MIB)
    expected.fill(0, 100, 5_100)
    await mount.kill9()
    await mount.remount()
    expect(sha256(await readFile(mount.path('changed')))).toBe(sha256(expected))
    await mount.flush()
    expect(await s3.sha256Of(BUCKET, 'changed')).toBe(sha256(expected))
  })

  test('that is removed or renamed before it is closed leaves nothing behind', async () => {
    withFile('copy', 'r', (from) => {
      withFile('removed', 'w', (to) => {
        copyFileRange({ fd: from, at: 0 }, { fd: to, at: 0 }, LARGE.length)
        fs.unlinkSync(mount.path('removed'))
      })
      withFile('old name', 'w', (to) => {
        copyFileRange({ fd: from, at: 0 }, { fd: to, at: 0 }, LARGE.length)
        fs.renameSync(mount.path('old name'), mount.path('new name'))
      })
    })
    await mount.flush()
    expect(await s3.head(BUCKET, 'removed')).toBeUndefined()
    expect(await s3.head(BUCKET, 'old name')).toBeUndefined()
    expect(await s3.sha256Of(BUCKET, 'new name')).toBe(sha256(LARGE))
  })
})

describe('A copied range', () => {
  test('arrives whole, between files and within one', async () => {
    withFile('source', 'r', (from) =>
      withFile('target', 'w+', (to) => {
        expect(copyFileRange({ fd: from, at: 1_000 }, { fd: to, at: 7 }, 100_000)).toBe(100_000)
        expect(copyFileRange({ fd: from, at: 3 * MIB - 9 }, { fd: to, at: 0 }, 100)).toBe(9)
        expect(copyFileRange({ fd: from, at: 3 * MIB }, { fd: to, at: 0 }, 100)).toBe(0)
        expect(copyFileRange({ fd: to, at: 0 }, { fd: to, at: 200_000 }, 5)).toBe(5)
        expect(() => copyFileRange({ fd: to, at: 0 }, { fd: to, at: 1 }, 5)).toThrow('EINVAL')
      }),
    )
    const expected = Buffer.alloc(200_005)
    SOURCE.copy(expected, 7, 1_000, 101_000)
    SOURCE.copy(expected, 0, 3 * MIB - 9)
    expected.copy(expected, 200_000, 0, 5)
    expect((await readFile(mount.path('target'))).equals(expected)).toBe(true)
    expect(() =>
      withFile('source', 'r', (from) => copyFileRange({ fd: from, at: 0 }, { fd: from, at: 9 }, 5)),
    ).toThrow('EBADF')
  })
})
