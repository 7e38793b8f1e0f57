import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { SystemClock } from '../../engine/base/clock.ts'
import { unmountStale } from '../../engine/fuse/stale-mounts.ts'
import { buildFuseChild, run, ServedFolder } from '../support/served-folder.ts'

const MIB = 1024 * 1024
const SQLITE = resolve(import.meta.dirname, '../../node_modules/@photostructure/sqlite')
const opened: ServedFolder[] = []
let bundle = ''

beforeAll(async () => {
  bundle = await buildFuseChild()
})

afterEach(async () => {
  for (const served of opened.splice(0)) await served.close()
})

afterAll(() => fs.rm(bundle, { recursive: true, force: true }))

async function serve(...args: string[]): Promise<ServedFolder> {
  const served = await ServedFolder.start(bundle, ...args)
  opened.push(served)
  return served
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** Long enough for a busy machine, far below the hour for which the kernel believes what it has. */
const SOON = { timeout: 10_000, interval: 20 }

describe('A folder served through the kernel', () => {
  test('creates, reads, truncates, renames and removes like any folder', async () => {
    const served = await serve()
    await fs.mkdir(served.path('dir'))
    await fs.writeFile(served.path('dir', 'a.txt'), 'hello')
    expect(await fs.readFile(served.path('dir', 'a.txt'), 'utf8')).toBe('hello')
    await fs.truncate(served.path('dir', 'a.txt'), 2)
    await fs.appendFile(served.path('dir', 'a.txt'), 'y')
    await fs.rename(served.path('dir', 'a.txt'), served.path('b.txt'))
    expect(await fs.readFile(served.path('b.txt'), 'utf8')).toBe('hey')
    await expect(fs.rmdir(served.path('b.txt'))).rejects.toThrow('ENOTDIR')
    await fs.writeFile(served.path('dir', 'c'), '')
    await expect(fs.rmdir(served.path('dir'))).rejects.toThrow('ENOTEMPTY')
    await fs.symlink('b.txt', served.path('link'))
    expect(await fs.readFile(served.path('link'), 'utf8')).toBe('hey')
    await expect(fs.link(served.path('b.txt'), served.path('hard'))).rejects.toThrow('EPERM')
    await fs.utimes(served.path('b.txt'), 1_000, new Date(-1500))
    expect((await fs.stat(served.path('b.txt'))).mtimeMs).toBe(-1500)
    await fs.rm(served.path('dir'), { recursive: true })
    await fs.unlink(served.path('b.txt'))
    expect(await fs.readdir(served.dir)).toEqual(['link'])
    expect((await served.stats()).logged).toEqual([])
  })

  test('moves large files in requests of 1 MiB and returns every byte', async () => {
    const served = await serve()
    const content = randomBytes(24 * MIB + 12_345)
    const source = join(bundle, 'large')
    await fs.writeFile(source, content)
    await run('dd', [`if=${source}`, `of=${served.path('large')}`, 'bs=1M'])
    await run('dd', [`if=${served.path('large')}`, 'of=/dev/null', 'bs=1M', 'iflag=direct'])
    expect(sha256(await fs.readFile(served.path('large')))).toBe(sha256(content))
    const stats = await served.stats()
    expect(stats.largestRequestBytes).toBe(MIB + 80)
    expect(stats.largestReplyBytes).toBe(MIB + 16)
  })

  test('serves programs that map files into memory and share them', async () => {
    const served = await serve()
    const script = `
      const { DatabaseSync } = await import(${JSON.stringify(`${SQLITE}/dist/index.mjs`)})
      const path = ${JSON.stringify(served.path('test.db'))}
      const first = new DatabaseSync(path), second = new DatabaseSync(path)
      first.exec('pragma journal_mode = wal; pragma mmap_size = 1000000; create table t (x)')
      for (let i = 0; i < 200; i++) first.prepare('insert into t values (?)').run('row ' + i)
      console.log(second.prepare('select count(*) as n from t').get().n)
      console.log(first.prepare('pragma integrity_check').get().integrity_check)
      console.log(first.prepare('pragma journal_mode').get().journal_mode)`
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await run(process.execPath, args, { timeout: 60_000 })
    expect(stdout.split('\n').slice(0, 3)).toEqual(['200', 'ok', 'wal'])
  })

  test('lists 10,000 files with their attributes and not one lookup', async () => {
    const served = await serve()
    await served.ask({ do: 'make-files', count: 10_000 })
    // The kernel is told of each new name; those messages would outdate what `ls` just read.
    await vi.waitFor(async () => {
      expect((await served.stats()).notifications).toMatchObject({ queued: 0 })
    }, SOON)
    const before = (await served.stats()).requests
    const { stdout } = await run('ls', ['-l', served.dir], { maxBuffer: 16 * MIB })
    expect(stdout.trim().split('\n')).toHaveLength(10_001)
    const after = (await served.stats()).requests
    expect(after.lookup ?? 0).toBe(before.lookup ?? 0)
    expect(after.readdirplus).toBeGreaterThan(1)
    expect(after.getattr ?? 0).toBeLessThan(10)
  })

  test('shows at once what changed in the bucket', async () => {
    const served = await serve()
    await served.ask({ do: 'write-remotely', name: 'a', content: 'first' })
    expect(await fs.readFile(served.path('a'), 'utf8')).toBe('first')
    await expect(fs.stat(served.path('b'))).rejects.toThrow('ENOENT')
    const reader = await fs.open(served.path('a'))
    try {
      await served.ask({ do: 'write-remotely', name: 'a', content: 'second, longer' })
      await served.ask({ do: 'write-remotely', name: 'b', content: 'new' })
      await vi.waitFor(async () => {
        expect(await fs.readFile(served.path('a'), 'utf8')).toBe('second, longer')
        expect(await fs.readFile(served.path('b'), 'utf8')).toBe('new')
      }, SOON)
      const into = Buffer.alloc(100)
      const { bytesRead } = await reader.read(into, 0, 100, 0)
      expect(into.toString('utf8', 0, bytesRead)).toBe('second, longer')
    } finally {
      await reader.close()
    }
    await served.ask({ do: 'remove-remotely', name: 'a' })
    await vi.waitFor(() => expect(fs.stat(served.path('a'))).rejects.toThrow('ENOENT'), SOON)
  })

  test('refuses to write where it is mounted read-only', async () => {
    const served = await serve('--read-only')
    await expect(fs.writeFile(served.path('a'), '')).rejects.toThrow('EROFS')
  })

  test('gives up the work of a program that is killed', async () => {
    const served = await serve()
    await served.ask({ do: 'write-remotely', name: 'a', content: 'x' })
    await served.ask({ do: 'hang', operation: 'open' })
    const cat = spawn('cat', [served.path('a')], { stdio: 'ignore' })
    await vi.waitFor(async () => expect((await served.stats()).inFlight).toBe(1), SOON)
    cat.kill('SIGKILL')
    await vi.waitFor(async () => {
      expect(await served.stats()).toMatchObject({ interrupted: ['open'], inFlight: 0 })
    }, SOON)
  })

  test('goes on after a defect in one operation', async () => {
    const served = await serve()
    await served.ask({ do: 'fail', operation: 'mkdir' })
    await expect(fs.mkdir(served.path('d'))).rejects.toThrow('EIO')
    await fs.writeFile(served.path('a'), 'fine')
    expect((await served.stats()).logged).toEqual(['fuse/operation-failed'])
  })
})

describe('The end of a mount', () => {
  test('from outside ends the process that serves it', async () => {
    const served = await serve()
    await fs.writeFile(served.path('a'), 'x')
    await run('umount', [served.dir])
    expect(await served.nextAnswer()).toEqual({ ended: true, openHandles: 0 })
    expect(await served.exited()).toBe(0)
  })

  test('waits for programs that use it, unless it is forced', async () => {
    const served = await serve()
    const file = await fs.open(served.path('a'), 'w')
    try {
      expect(await served.ask({ do: 'unmount', force: false })).toMatchObject({
        error: 'mount/busy',
      })
      await file.write('still works')
      await served.ask({ do: 'unmount', force: true })
      await expect(file.write('not any more')).rejects.toThrow(/ENOTCONN|ECONNABORTED/)
      expect(await served.exited()).toBe(0)
      expect(await fs.readdir(served.dir)).toEqual([])
    } finally {
      // The connection is gone, so closing may report that too.
      await file.close().catch(() => undefined)
    }
  })

  test('by force frees programs that wait for an answer', async () => {
    const served = await serve()
    await served.ask({ do: 'hang', operation: 'lookup' })
    const waiting = expect(fs.stat(served.path('a'))).rejects.toThrow()
    await vi.waitFor(async () => expect((await served.stats()).inFlight).toBe(1), SOON)
    await served.ask({ do: 'unmount', force: true })
    await waiting
    expect(await served.exited()).toBe(0)
  })

  test('by kill -9 leaves a dead folder, which is cleaned before the next mount', async () => {
    const clock = new SystemClock()
    const served = await serve()
    expect(await unmountStale(served.dir, clock), 'a living mount is left alone').toBe(false)
    served.process.kill('SIGKILL')
    expect(await served.exited()).toBe('SIGKILL')
    await expect(fs.readdir(served.dir)).rejects.toThrow('ENOTCONN')
    expect(await unmountStale(served.dir, clock)).toBe(true)
    expect(await fs.readdir(served.dir)).toEqual([])
    expect(await unmountStale(served.dir, clock)).toBe(false)
  })
})
