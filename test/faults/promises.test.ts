import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DeafPort } from '../support/deaf-port.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { answered, denied, errorReply, lostReply, portalPage, silence } from '../support/faults.ts'
import { FileWorker } from '../support/file-worker.ts'
import { type PailHome, pailHome, waitForEnd } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { skewedClock } from '../support/skewed-clock.ts'
import { hashesBelow, MIB, pathsBelow } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'
import { READS, WRITES } from './fault-case.ts'
import { OPERATION_MS_MAX } from './trial.ts'

const run = promisify(execFile)
const HOUR_MS = 3_600_000
/** From memory or from this disk; a busy machine included. */
const LOCAL_MS_MAX = 2_000
/** Three seconds are promised: from the command to a folder that answers. A busy machine included. */
const START_MS_MAX = 3_000 + 7_000
const TOLD_WITHIN = { timeout: 5_000, interval: 100 }

let server: Versitygw
let s3: PlainS3
let buckets = 0

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

type Scene = {
  readonly bucket: string
  readonly proxy: FaultProxy
  readonly home: PailHome
  readonly worker: FileWorker
}

/** A bucket behind a proxy, not mounted yet. */
async function scene(objects: Readonly<Record<string, string | Buffer>> = {}): Promise<Scene> {
  const bucket = `promise-${++buckets}`
  await s3.createBucket(bucket)
  for (const [key, content] of Object.entries(objects)) await s3.put(bucket, key, content)
  const proxy = await FaultProxy.start(server)
  onTestFinished(() => proxy.stop())
  const home = await pailHome({ server: { ...server, url: proxy.url }, bucket })
  const worker = await FileWorker.start()
  onTestFinished(() => worker.stop())
  return { bucket, proxy, home, worker }
}

async function mounted(objects: Readonly<Record<string, string | Buffer>> = {}): Promise<Scene> {
  const made = await scene(objects)
  await made.home.mount()
  return made
}

async function keysOf(bucket: string): Promise<string[]> {
  return (await s3.list(bucket)).map(({ key }) => key).sort()
}

const textIn = async (bucket: string, key: string) =>
  Buffer.from(await s3.get(bucket, key)).toString()

type Silence = 'answers nothing' | 'refuses connections' | 'completes no connection'

/** @returns what ends it */
async function silenceBy(proxy: FaultProxy, how: Silence): Promise<() => Promise<void>> {
  proxy.spoil({ fault: silence })
  if (how === 'answers nothing') return async () => proxy.heal()
  await proxy.goDown()
  const port = Number(new URL(proxy.url).port)
  const deaf = how === 'completes no connection' ? await DeafPort.open(port) : undefined
  onTestFinished(() => deaf?.close())
  if (deaf) expect(deaf.waiting).toBeGreaterThan(0)
  return async () => {
    await deaf?.close()
    await proxy.comeBack()
    proxy.heal()
  }
}

/** All names below a folder with modes, sizes and times, by a program of its own. */
async function longListing(folder: string): Promise<string> {
  return (await run('ls', ['-lR', '--time-style=full-iso', folder])).stdout
}

describe('Without the network', () => {
  test('the size of the disk is told at once, and nothing is asked for it', async () => {
    const { proxy, home, worker } = await mounted()
    proxy.spoil({ fault: silence })
    proxy.forget()
    const result = await worker.run({ do: 'statfs', path: home.dir })
    expect(result.error).toBeUndefined()
    expect(result.slowestMs).toBeLessThan(LOCAL_MS_MAX)
    expect(proxy.seen).toEqual([])
  })

  test.for(['answers nothing', 'refuses connections', 'completes no connection'] as const)(
    'a folder that was seen before is mounted while the server %s, and catches up later',
    async (how) => {
      const known = randomBytes(3 * MIB)
      const seeds = { 'd/known': known, 'd/unread': 'never read', 'd/sub/x': 'x' }
      const { proxy, home, worker, bucket } = await mounted(seeds)
      await hashesBelow(home.path('d', 'sub'))
      expect(known.equals(await fs.readFile(home.path('d', 'known')))).toBe(true)
      const tree = await longListing(home.dir)
      expect(tree).toContain('unread')
      await home.unmount()
      await waitForEnd(home.enginePid())
      const heal = await silenceBy(proxy, how)

      expect(await home.remount(), 'time to mount').toBeLessThan(START_MS_MAX)
      const startMs = performance.now()
      expect(await longListing(home.dir)).toBe(tree)
      expect(performance.now() - startMs, 'time of ls -lR').toBeLessThan(LOCAL_MS_MAX)
      const listed = await worker.run({ do: 'list', path: home.path('d') })
      expect(listed.names).toEqual(['known', 'sub', 'unread'])
      expect(known.equals(await fs.readFile(home.path('d', 'known')))).toBe(true)
      await expect(fs.readFile(home.path('d', 'unread'))).rejects.toThrow('EIO')
      const state = async () => (await home.status()).mounts[0]?.state
      await expect.poll(state, TOLD_WITHIN).toBe('offline')
      const start = performance.now()
      await fs.writeFile(home.path('d', 'new'), 'written offline')
      await fs.rename(home.path('d', 'sub'), home.path('d', 'moved'))
      await fs.unlink(home.path('d', 'unread'))
      expect(performance.now() - start).toBeLessThan(OPERATION_MS_MAX)
      expect((await home.status()).mounts[0]?.pendingFiles).toBeGreaterThan(0)
      expect(await keysOf(bucket)).toEqual(['d/known', 'd/sub/x', 'd/unread'])
      await heal()
      await home.flush()
      const files = (await keysOf(bucket)).filter((key) => !key.endsWith('/'))
      expect(files).toEqual(['d/known', 'd/moved/x', 'd/new'])
      expect(await textIn(bucket, 'd/new')).toBe('written offline')
    },
  )

  test.for([
    ['a sign-in page', portalPage],
    ['a server that is overloaded', answered(errorReply(503, 'SlowDown'))],
    ['a server that fails', answered(errorReply(500, 'InternalError'))],
  ] as const)('a folder that was seen before is mounted in spite of %s', async ([, fault]) => {
    const { proxy, home } = await mounted({ 'd/known': 'known' })
    expect(await fs.readFile(home.path('d', 'known'), 'utf8')).toBe('known')
    await home.unmount()
    await waitForEnd(home.enginePid())
    proxy.spoil({ fault })
    await home.mount()
    expect(await fs.readdir(home.path('d'))).toEqual(['known'])
    expect(await fs.readFile(home.path('d', 'known'), 'utf8')).toBe('known')
  })

  test('what is here answers at once, also long after it was listed', async () => {
    const { proxy, home, worker } = await mounted({ 'd/known': 'known', 'd/other': 'other' })
    expect(await fs.readFile(home.path('d', 'known'), 'utf8')).toBe('known')
    proxy.spoil({ fault: silence })
    // Something that is not here finds out that nobody answers.
    const unknown = await worker.run({
      do: 'read',
      path: home.path('d', 'other'),
      expected: { seed: 1, sizeBytes: 5 },
    })
    expect(unknown.error).toBe('EIO')
    expect(unknown.slowestMs).toBeLessThan(OPERATION_MS_MAX)
    for (const task of [
      { do: 'list', path: home.path('d') },
      { do: 'stat', path: home.path('d', 'other') },
      { do: 'statfs', path: home.dir },
    ] as const) {
      const result = await worker.run(task)
      expect(result.error, task.do).toBeUndefined()
      expect(result.slowestMs, task.do).toBeLessThan(LOCAL_MS_MAX)
    }
    expect(await fs.readFile(home.path('d', 'known'), 'utf8')).toBe('known')
  })
})

describe('A folder that is looked through', () => {
  test('asks for listings alone, never for an object by itself', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `d${index % 3}/file ${index}`)
    const { proxy, home } = await mounted(Object.fromEntries(names.map((name) => [name, name])))
    proxy.forget()
    const { files } = await pathsBelow(home.dir)
    expect(files).toEqual([...names].sort())
    for (const name of names) expect((await fs.stat(home.path(name))).size).toBe(name.length)
    for (const name of ['nowhere', 'd1/nothing', 'd2/nothing either']) {
      await expect(fs.stat(home.path(name))).rejects.toThrow('ENOENT')
    }
    expect(proxy.countOf('HeadObject')).toBe(0)
    expect(proxy.countOf('GetObject')).toBe(0)
    expect(proxy.countOf('ListObjects')).toBeLessThan(10)
  })

  test('needs no more than the right to list and to read', async () => {
    const { proxy, home } = await scene({ 'd/a': 'content' })
    const rights = [...WRITES, 'HeadObject', 'ListMultiparts', 'Other'] as const
    proxy.spoil({ fault: denied, operations: rights })
    await home.mount()
    expect(await fs.readdir(home.path('d'))).toEqual(['a'])
    expect(await fs.readFile(home.path('d', 'a'), 'utf8')).toBe('content')
  })
})

describe('An upload that is refused', () => {
  test('leaves the old version in the bucket and the new one here, and says so, also after a crash', async () => {
    const { proxy, home, bucket } = await mounted({ 'd/file': 'old' })
    proxy.spoil({ fault: denied, operations: WRITES })
    await fs.writeFile(home.path('d', 'file'), 'new')
    const told = async () =>
      (await home.status()).mounts[0]?.errors.map(({ path, code }) => `${path} ${code}`)
    await home.pail.run(['flush', '--wait', '--timeout', '2'])
    await expect.poll(told, TOLD_WITHIN).toEqual(['d/file auth/denied'])
    expect(await textIn(bucket, 'd/file')).toBe('old')
    expect(await fs.readFile(home.path('d', 'file'), 'utf8')).toBe('new')

    await home.kill9()
    await home.remount()
    await expect.poll(told, TOLD_WITHIN).toEqual(['d/file auth/denied'])
    expect(await fs.readFile(home.path('d', 'file'), 'utf8')).toBe('new')
    expect(await textIn(bucket, 'd/file')).toBe('old')

    proxy.heal()
    await home.flush()
    expect(await textIn(bucket, 'd/file')).toBe('new')
    expect((await home.status()).mounts[0]?.errors).toEqual([])
  })
})

describe('A clock that is wrong', () => {
  test.for([-2, 2, 24])('by %i hours does not matter', async (hours) => {
    const { proxy, home, bucket } = await scene({ 'd/a': 'before' })
    proxy.spoil({ fault: skewedClock(server, hours * HOUR_MS) })
    await home.mount()
    expect(await fs.readFile(home.path('d', 'a'), 'utf8')).toBe('before')
    await fs.writeFile(home.path('d', 'b'), 'written')
    await fs.rename(home.path('d', 'a'), home.path('d', 'moved'))
    await home.flush()
    expect(await keysOf(bucket)).toEqual(['d/b', 'd/moved'])
  })

  test('and then jumps while the folder is used', async () => {
    const { proxy, home, bucket } = await mounted({ 'd/a': 'before' })
    for (const hours of [2, -3, 0]) {
      proxy.spoil({ fault: skewedClock(server, hours * HOUR_MS) })
      await fs.writeFile(home.path('d', `at ${hours}`), `${hours}`)
      await home.flush()
      expect(await textIn(bucket, `d/at ${hours}`)).toBe(`${hours}`)
    }
  })
})

describe('A program that writes beside a file and renames over it', () => {
  test.for([0, 1, 2, 3, 4])(
    'has its file in the bucket, although the network fails from request %i on and the engine dies',
    async (passing) => {
      const { proxy, home, bucket } = await mounted()
      proxy.spoil({ fault: lostReply, skip: passing })
      await fs.writeFile(home.path('A'), '')
      await fs.writeFile(home.path('B.part'), 'the content')
      await fs.rename(home.path('B.part'), home.path('A'))
      await home.pail.run(['flush', '--wait', '--timeout', '1'])
      await home.kill9()
      proxy.heal()
      await home.remount()
      expect(await fs.readdir(home.dir)).toEqual(['A'])
      expect(await fs.readFile(home.path('A'), 'utf8')).toBe('the content')
      await home.flush()
      expect(await keysOf(bucket)).toEqual(['A'])
      expect(await textIn(bucket, 'A')).toBe('the content')
    },
  )
})

describe('A folder that is renamed while the network fails', () => {
  test('has each of its objects in the bucket at every moment', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `${index}`)
    const seeds = Object.fromEntries(names.map((name) => [`old/${name}`, `content ${name}`]))
    const { proxy, home, bucket } = await mounted(seeds)
    const missing = async () => {
      const keys = new Set(await keysOf(bucket))
      return names.filter((name) => !keys.has(`old/${name}`) && !keys.has(`new/${name}`))
    }
    const operations = ['CopyObject', 'DeleteObjects', ...READS] as const
    await fs.readdir(home.path('old'))
    proxy.spoil({ fault: lostReply, operations, skip: 15 })
    await fs.rename(home.path('old'), home.path('new'))
    const flushing = home.pail.run(['flush', '--wait', '--timeout', '4'])
    for (let look = 0; look < 12; look++) {
      expect(await missing()).toEqual([])
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    await flushing
    await home.kill9()
    expect(await missing()).toEqual([])
    proxy.heal()
    await home.remount()
    await home.flush()
    const files = (await keysOf(bucket)).filter((key) => !key.endsWith('/'))
    expect(files).toEqual(names.map((name) => `new/${name}`).sort())
  })
})
