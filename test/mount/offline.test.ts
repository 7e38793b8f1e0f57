/** Work without a network: what is known is there, what is done waits and is not done twice. */
import * as fs from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectEngine } from '../../engine/mounts/client.ts'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { Dice } from '../support/tree.ts'
import { freePort, startVersitygw, type Versitygw } from '../support/versitygw.ts'

const SEED = 5_150
const SOON = { timeout: 60_000, interval: 100 }

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

/** The way to the server, which can be cut: nothing listens while it is. */
class Line {
  readonly port: number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(port: number) {
    this.port = port
  }

  static async open(): Promise<Line> {
    const line = new Line(await freePort())
    await line.join()
    onTestFinished(() => line.cut())
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async join(): Promise<void> {
    const target = new URL(server.url)
    this.#server = createServer((here) => {
      const there = connect(Number(target.port), target.hostname)
      for (const socket of [here, there]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          here.destroy()
          there.destroy()
        })
      }
      here.pipe(there).pipe(here)
    })
    await new Promise<void>((resolve) => this.#server?.listen(this.port, '127.0.0.1', resolve))
  }

  async cut(): Promise<void> {
    const closing = this.#server
    this.#server = undefined
    if (!closing) return
    const closed = new Promise((resolve) => closing.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

/** Everything below a prefix, as another client sees it. */
async function bucketHashes(bucket: string): Promise<Record<string, string>> {
  const objects = (await s3.list(bucket)).filter(({ key }) => !key.endsWith('/'))
  const hashes = objects.map(async ({ key }) => [key, await s3.sha256Of(bucket, key)] as const)
  return Object.fromEntries(await Promise.all(hashes))
}

describe('Without a network', () => {
  test('a mount starts with all that is known, takes changes over a restart, and drains in order, each object once', async () => {
    const dice = new Dice(SEED)
    const files: Record<string, Buffer> = {}
    for (let index = 0; index < 40; index++) {
      files[`t/${index % 4}/${index}`] = dice.bytes(1 + dice.below(60_000))
    }
    await s3.createBucket('offline')
    for (const [key, bytes] of Object.entries(files)) await s3.put('offline', key, bytes)
    const line = await Line.open()
    const mount = await pailMount({ server: { ...server, url: line.url }, bucket: 'offline' })
    const read = [0, 4, 8].map((index) => `t/0/${index}`)
    for (const name of read) await fs.readFile(mount.path(name))
    for (const folder of [0, 1, 2, 3]) await fs.readdir(mount.path(`t/${folder}`))
    await mount.unmount()
    await line.cut()

    await mount.remount()
    expect((await mount.status()).mounts[0]?.state).toBe('offline')
    expect((await fs.readdir(mount.path('t/1'))).length).toBe(10)
    for (const name of read) {
      expect(sha256(await fs.readFile(mount.path(name)))).toBe(sha256(files[name] ?? ''))
    }
    await expect(fs.readFile(mount.path('t/1/1'))).rejects.toThrow('EIO')
    const { unavailable = [] } = await mount.status()
    expect(unavailable.map(({ path }) => path)).toContain(mount.path('t/1/1'))

    const written: Record<string, Buffer> = {}
    await fs.mkdir(mount.path('new'))
    for (let index = 0; index < 30; index++) {
      written[`new/${index}`] = dice.bytes(1 + dice.below(40_000))
      await fs.writeFile(mount.path(`new/${index}`), written[`new/${index}`] ?? '')
    }
    await fs.writeFile(mount.path('new/0'), 'again')
    await fs.rename(mount.path('new/1'), mount.path('new/renamed'))
    await fs.rm(mount.path('new/2'))
    await fs.rename(mount.path('t/2'), mount.path('t/moved'))
    await fs.rm(mount.path('t/3/3'))
    await mount.kill9()
    await mount.remount()
    expect(await fs.readFile(mount.path('new/0'), 'utf8')).toBe('again')
    expect(await fs.readdir(mount.path('t'))).toEqual(expect.arrayContaining(['0', '1', 'moved']))

    await server.resetRequests()
    await line.join()
    await expect.poll(async () => (await mount.status()).mounts[0]?.pendingFiles, SOON).toBe(0)
    const expected: Record<string, string> = {}
    for (const [key, bytes] of Object.entries(files)) {
      if (key !== 't/3/3') expected[key.replace('t/2/', 't/moved/')] = sha256(bytes)
    }
    for (const [key, bytes] of Object.entries(written)) expected[key] = sha256(bytes)
    expected['new/0'] = sha256('again')
    expected['new/renamed'] = expected['new/1'] ?? ''
    delete expected['new/1']
    delete expected['new/2']
    expect(await bucketHashes('offline')).toEqual(expected)
    const { lines } = await server.requests()
    const puts = lines.map((line) => / s3_PutObject (\S+) /.exec(line)?.[1] ?? '')
    const ofNew = puts.filter((key) => /^new\/./.test(key))
    expect(new Set(ofNew).size, 'each object once').toBe(ofNew.length)
    expect(ofNew).toHaveLength(29)
  })

  test('working offline is a switch: nothing is asked, and it outlives the engine', async () => {
    await s3.createBucket('switched')
    await s3.put('switched', 'd/a', 'first')
    const mount = await pailMount({ server, bucket: 'switched' })
    await fs.readdir(mount.path('d'))
    const wanted = async (isWanted: boolean) => {
      const engine = await connectEngine(mount.dataDir)
      await engine.call('network/work-offline', { isWanted })
      engine.close()
    }
    await wanted(true)
    await server.resetRequests()
    await fs.writeFile(mount.path('d/b'), 'here')
    await expect(fs.readFile(mount.path('d/a'))).rejects.toThrow('EIO')
    await mount.kill9()
    await mount.remount()
    expect(await fs.readFile(mount.path('d/b'), 'utf8')).toBe('here')
    expect(await mount.status()).toMatchObject({ isWorkingOffline: true })
    expect((await server.requests()).lines).toEqual([])
    await wanted(false)
    await mount.flush()
    expect((await s3.list('switched')).map(({ key }) => key)).toEqual(['d/a', 'd/b'])
  })

  test('a file that is tried again and again is told once, and anew when the network was back', async () => {
    await s3.createBucket('missed')
    for (const key of ['d/a', 'd/b']) await s3.put('missed', key, 'not here')
    const mount = await pailMount({ server, bucket: 'missed' })
    await fs.readdir(mount.path('d'))
    const engine = await connectEngine(mount.dataDir)
    onTestFinished(() => engine.close())
    const told: string[] = []
    engine.on('files/unavailable', ({ path }) => told.push(path))
    const missAgain = async () => {
      await engine.call('network/work-offline', { isWanted: true })
      for (const name of ['d/a', 'd/a', 'd/b', 'd/a']) {
        await expect(fs.readFile(mount.path(name))).rejects.toThrow('EIO')
      }
      // What was told before this answer was told by now.
      await engine.call('engine/status', {})
    }
    await missAgain()
    expect(told).toEqual([mount.path('d/a'), mount.path('d/b')])
    await engine.call('network/work-offline', { isWanted: false })
    await expect.poll(async () => (await mount.status()).mounts[0]?.state, SOON).toBe('mounted')
    await missAgain()
    expect(told).toHaveLength(4)
  })
})
