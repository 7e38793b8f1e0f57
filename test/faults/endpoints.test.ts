/**
 * Goal: an endpoint that wants something else than it was asked for is met once, and understood.
 * Method: real mounts through a proxy that refuses as such endpoints do.
 */
import { writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { denied, errorReply, withBody, xmlReply } from '../support/faults.ts'
import { type PailHome, pailHome, waitForEnd } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'
import { WRITES } from './fault-case.ts'

const SOON = { timeout: 20_000, interval: 100 }
const REGION = 'us-east-1'

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

async function scene(objects: Readonly<Record<string, string>> = {}) {
  const bucket = `endpoint-${++buckets}`
  await s3.createBucket(bucket)
  for (const [key, content] of Object.entries(objects)) await s3.put(bucket, key, content)
  const proxy = await FaultProxy.start(server)
  onTestFinished(() => proxy.stop())
  const home = await pailHome({ server: { ...server, url: proxy.url }, bucket })
  return { bucket, proxy, home }
}

async function mountedView(home: PailHome) {
  return (await home.status()).mounts[0]
}

const textIn = async (bucket: string, key: string) =>
  Buffer.from(await s3.get(bucket, key)).toString()

async function stopped(home: PailHome): Promise<void> {
  await home.unmount()
  await waitForEnd(home.enginePid())
}

const regionOf = (authorization = '') => /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization)?.[1]

/** Serves requests that are signed for its region, and answers others as `refusal` says. */
const onlyIts =
  (refusal: Fault, refused: string[]): Fault =>
  async (exchange) => {
    const region = regionOf(exchange.request.headers.authorization)
    if (region === REGION) return exchange.send(await exchange.forward())
    refused.push(region ?? 'none')
    return refusal(exchange)
  }

const WRONG_REGIONS: ReadonlyArray<readonly [string, Fault]> = [
  [
    '301 that names it in a header',
    (exchange) =>
      exchange.send({
        ...withBody(errorReply(301, 'PermanentRedirect'), Buffer.alloc(0)),
        headers: { 'x-amz-bucket-region': REGION, 'x-amz-request-id': 'FAULT' },
      }),
  ],
  [
    '400 AuthorizationHeaderMalformed',
    (exchange) =>
      exchange.send(
        xmlReply(
          400,
          `<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong</Message><Region>${REGION}</Region></Error>`,
        ),
      ),
  ],
]

describe('A bucket in another region', () => {
  test.for(WRONG_REGIONS)('is found by its %s, asked once, and remembered', async ([, refusal]) => {
    const { bucket, proxy, home } = await scene({ file: 'content' })
    const refused: string[] = []
    proxy.spoil({ fault: onlyIts(refusal, refused) })
    const mount = () => home.pail.run([...home.mountArguments, '--region', 'eu-far'])
    expect((await mount()).code).toBe(0)
    expect(await fs.readFile(home.path('file'), 'utf8')).toBe('content')
    await fs.writeFile(home.path('new'), 'new')
    await home.flush()
    expect(await textIn(bucket, 'new')).toBe('new')
    expect(refused).toEqual(['eu-far'])

    await stopped(home)
    expect((await mount()).code).toBe(0)
    expect(await fs.readFile(home.path('new'), 'utf8')).toBe('new')
    expect(refused).toEqual(['eu-far'])
  })
})

describe('An endpoint that refuses a digest beside the signature', () => {
  test.for([
    [400, 'InvalidRequest'],
    [403, 'AccessDenied'],
    [501, 'NotImplemented'],
  ] as const)('by %i gets none from then on, also after a restart', async ([status, code]) => {
    const { bucket, proxy, home } = await scene()
    let refused = 0
    const body = `<Error><Code>${code}</Code><Message>Content-MD5 checksum is not offered here</Message></Error>`
    proxy.spoil({
      operations: ['PutObject', 'UploadPart'],
      fault: async (exchange) => {
        const hasDigest = exchange.request.headers['content-md5'] !== undefined
        if (!hasDigest) return exchange.send(await exchange.forward())
        refused++
        return exchange.send(xmlReply(status, body))
      },
    })
    await home.mount()
    await fs.writeFile(home.path('one'), 'one')
    await home.flush()
    expect(await textIn(bucket, 'one')).toBe('one')
    expect(refused).toBe(1)
    await stopped(home)
    await home.mount()
    await fs.writeFile(home.path('two'), 'two')
    await home.flush()
    expect([await textIn(bucket, 'two'), refused]).toEqual(['two', 1])
    expect((await mountedView(home))?.errors).toEqual([])
  })
})

describe('Keys that may not write', () => {
  test('make the folder read-only, in a sentence, and it is writable again when they may', async () => {
    const { bucket, proxy, home } = await scene({ file: 'old' })
    proxy.spoil({ fault: denied, operations: WRITES })
    await home.mount()
    expect(await mountedView(home)).toMatchObject({ readOnly: false, rights: { write: 'unknown' } })
    expect(await fs.readFile(home.path('file'), 'utf8')).toBe('old')
    await fs.writeFile(home.path('first'), 'accepted before it was known')
    await expect
      .poll(async () => (await mountedView(home))?.rights, SOON)
      .toMatchObject({ list: 'yes', read: 'yes', write: 'no' })
    const view = await mountedView(home)
    expect(view).toMatchObject({ readOnly: true, state: 'mounted' })
    expect(view?.reason).toContain('may not write')
    await expect(fs.writeFile(home.path('second'), 'x')).rejects.toThrow('EROFS')
    await expect(fs.unlink(home.path('file'))).rejects.toThrow('EROFS')
    expect(await fs.readFile(home.path('first'), 'utf8')).toBe('accepted before it was known')

    await home.unmount()
    await home.kill9()
    await home.mount()
    expect(await mountedView(home)).toMatchObject({ readOnly: true })
    await expect(fs.writeFile(home.path('second'), 'x')).rejects.toThrow('EROFS')

    proxy.heal()
    const isAccepted = () =>
      fs.writeFile(home.path('second'), 'x').then(
        () => true,
        () => false,
      )
    await expect.poll(isAccepted, SOON).toBe(true)
    await home.flush()
    const keys = (await s3.list(bucket)).map(({ key }) => key)
    expect(keys).toEqual(['file', 'first', 'second'])
    expect(await mountedView(home)).toMatchObject({ readOnly: false, rights: { write: 'yes' } })
  })

  test('are not concluded from one object that is locked', async () => {
    const { proxy, home } = await scene({ locked: 'old' })
    proxy.spoil({ fault: denied, operations: WRITES, key: 'locked' })
    await home.mount()
    await fs.writeFile(home.path('locked'), 'new')
    await expect
      .poll(async () => (await mountedView(home))?.errors.map(({ code }) => code), SOON)
      .toEqual(['auth/denied'])
    await fs.writeFile(home.path('other'), 'other')
    await expect.poll(async () => (await mountedView(home))?.rights?.write, SOON).toBe('yes')
    expect(await mountedView(home)).toMatchObject({ readOnly: false })
  })
})

describe('Newer keys', () => {
  test('take the place of the old ones in a folder that is mounted', async () => {
    const { bucket, proxy, home } = await scene({ file: 'content' })
    await home.mount()
    const newer = await startVersitygw({ sharing: server, accessKeyId: 'newer-key' })
    onTestFinished(() => newer.stop())
    proxy.leadTo(newer)
    await fs.writeFile(home.path('waits'), 'waits for keys')
    await expect.poll(async () => (await mountedView(home))?.state, SOON).toBe('needs-sign-in')
    writeFileSync(home.passwordFile, `${newer.accessKeyId}:${newer.secretAccessKey}\n`)
    await home.mount()
    await home.flush()
    expect(await textIn(bucket, 'waits')).toBe('waits for keys')
    expect(await mountedView(home)).toMatchObject({ state: 'mounted', errors: [] })
  })
})
