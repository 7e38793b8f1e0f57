/** The engine's API over a socket and over a message port. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import { connectEngine, type EngineClient } from '../../../engine/mounts/client.ts'
import { LINE_BYTES_MAX } from '../../../engine/mounts/frames.ts'
import { CALLS_PER_CLIENT_MAX, EngineHost } from '../../../engine/mounts/host.ts'
import { servePort } from '../../../engine/mounts/host-port.ts'
import { serveSocket } from '../../../engine/mounts/host-socket.ts'
import type { EngineFrame } from '../../../shared/engine-contract.ts'
import type { StatusView } from '../../../shared/model.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { temporaryFolder } from '../../support/folder.ts'

const clock = new SystemClock()
const INPUT = {
  endpoint: { url: 'http://127.0.0.1:1', region: 'r' },
  credentials: { accessKeyId: 'id', secretAccessKey: 'canary-secret' },
  bucket: 'demo',
  subpath: '',
  dir: '/d',
  readOnly: false,
}

function newHost(dataDir: string) {
  const random = new SeededRandom(1)
  const engine = new FakeEngine({ dataDir, version: '1', log: silentLog, clock, random })
  onTestFinished(() => engine.close().then(() => {}))
  const secrets: string[] = []
  const host = new EngineHost({
    engine,
    log: silentLog,
    onSecret: (secret) => secrets.push(secret),
  })
  return { engine, host, secrets }
}

async function served(dataDir = temporaryFolder()) {
  const { host, engine } = newHost(dataDir)
  const socketFile = join(dataDir, 'engine.sock')
  const socket = await serveSocket({ socketFile, host, log: silentLog })
  onTestFinished(() => socket.close())
  return { dataDir, socketFile, socket, engine }
}

async function client(dataDir: string): Promise<EngineClient> {
  const one = await connectEngine(dataDir, clock)
  onTestFinished(() => one.close())
  return one
}

describe('Host of the engine', () => {
  test('answers a call, and tells failures as values', async () => {
    const { host } = newHost(temporaryFolder())
    const reply = await host.call('buckets/list', { ...INPUT })
    expect(reply).toEqual({ ok: true, value: [{ name: 'demo' }] })
    const refused = await host.call('mounts/start', { ...INPUT, bucket: 'missing' })
    expect(refused).toMatchObject({ ok: false, error: { code: 's3/no-bucket' } })
    expect(await host.call('toString', {})).toMatchObject({ error: { code: 'input/invalid' } })
  })

  test('names the field that does not fit, never its value', async () => {
    const { host } = newHost(temporaryFolder())
    const reply = await host.call('mounts/start', { ...INPUT, dir: 7, bucket: '' })
    expect(reply).toMatchObject({
      error: { code: 'input/invalid', where: { fields: 'bucket, dir' } },
    })
    expect(JSON.stringify(reply)).not.toContain('canary')
  })

  test('tells of a secret before the call runs', async () => {
    const { host, secrets } = newHost(temporaryFolder())
    await host.call('buckets/list', INPUT)
    expect(secrets).toEqual(['canary-secret'])
  })
})

describe('Local socket', () => {
  test('is closed to others', async () => {
    const { socketFile } = await served()
    expect(statSync(socketFile).mode & 0o777).toBe(0o600)
  })

  test('carries calls both ways, errors included', async () => {
    const { dataDir } = await served()
    const one = await client(dataDir)
    expect(await one.call('mounts/start', INPUT)).toMatchObject({ dir: '/d', state: 'mounted' })
    expect((await one.call('engine/status', {})).mounts).toHaveLength(1)
    await expect(one.call('mounts/stop', { dir: '/other' })).rejects.toMatchObject({
      code: 'mount/not-mounted',
      where: { dir: '/other' },
    })
  })

  test('tells every client what changed', async () => {
    const { dataDir } = await served()
    const [one, two] = [await client(dataDir), await client(dataDir)]
    const seen = new Promise<StatusView>((resolve) => two.on('status/changed', resolve))
    await one.call('mounts/start', INPUT)
    expect((await seen).mounts[0]?.dir).toBe('/d')
  })

  test('works in a folder whose path is longer than a socket address', async () => {
    const dataDir = join(temporaryFolder(), 'x'.repeat(100), 'y'.repeat(100))
    mkdirSync(dataDir, { recursive: true })
    const { socketFile, socket } = await served(dataDir)
    const one = await client(dataDir)
    expect((await one.call('engine/status', {})).mounts).toEqual([])
    one.close()
    await socket.close()
    expect(existsSync(socketFile)).toBe(false)
  })

  test('nobody there is an answer of its own', async () => {
    await expect(connectEngine(temporaryFolder(), clock)).rejects.toMatchObject({
      code: 'engine/not-running',
    })
  })

  test('a call ends when the engine goes away, when its time is over, or when nobody wants it', async () => {
    const { dataDir, socket } = await served()
    const one = await client(dataDir)
    await one.call('mounts/start', { ...INPUT, bucket: 'stuck' })
    await expect(one.call('uploads/flush', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'engine/no-answer',
    })
    const giveUp = new AbortController()
    const unwanted = one.call('uploads/flush', {}, { signal: giveUp.signal })
    giveUp.abort(new Error('unwanted'))
    await expect(unwanted).rejects.toThrow('unwanted')
    const cut = one.call('uploads/flush', {})
    const rejected = expect(cut).rejects.toMatchObject({ code: 'engine/stopped' })
    await socket.close()
    await rejected
    await expect(one.call('engine/status', {})).rejects.toMatchObject({ code: 'engine/stopped' })
  })

  test('a client that talks nonsense, or too much, is dropped and the others go on', async () => {
    const { dataDir, socketFile } = await served()
    const good = await client(dataDir)
    const call = (id: number) =>
      `${JSON.stringify({ kind: 'call', id, call: 'uploads/flush', input: {} })}\n`
    await good.call('mounts/start', { ...INPUT, bucket: 'stuck' })
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      '{"kind":"call"}\n',
      'x'.repeat(LINE_BYTES_MAX + 1),
      Array.from({ length: CALLS_PER_CLIENT_MAX + 1 }, (_, id) => call(id)).join(''),
    ]) {
      await expect(isDropped(connect(socketFile), bytes)).resolves.toBe(true)
    }
    expect((await good.call('engine/status', {})).mounts).toHaveLength(1)
  })

  test('a socket that a killed engine left behind is replaced', async () => {
    const dataDir = temporaryFolder()
    mkdirSync(join(dataDir, 'x'))
    const first = await served(dataDir)
    const second = await served(dataDir)
    expect(second.socketFile).toBe(first.socketFile)
    expect((await (await client(dataDir)).call('engine/status', {})).mounts).toEqual([])
  })
})

function isDropped(socket: Socket, bytes: string): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on('error', () => {})
    socket.on('close', () => resolve(true))
    socket.resume()
    socket.write(bytes)
  })
}

describe('Message port', () => {
  test('answers main, sends events, and stays quiet about what is no frame', async () => {
    const { host } = newHost(temporaryFolder())
    const sent: EngineFrame[] = []
    let deliver: (message: { data: unknown }) => void = () => {}
    const port = {
      on: (_event: 'message', listener: typeof deliver) => {
        deliver = listener
      },
      postMessage: (frame: EngineFrame) => sent.push(frame),
    }
    const close = servePort({ port, host, log: silentLog })
    deliver({ data: 'nonsense' })
    deliver({ data: { kind: 'call', id: 7, call: 'mounts/start', input: INPUT } })
    await expect.poll(() => sent.map((frame) => frame.kind)).toEqual(['event', 'reply'])
    expect(sent[1]).toMatchObject({ id: 7, reply: { ok: true } })
    expect(JSON.stringify(sent)).not.toContain('canary')
    close()
    deliver({ data: { kind: 'call', id: 8, call: 'engine/status', input: {} } })
    expect(host.callsInFlight).toBe(0)
  })
})
