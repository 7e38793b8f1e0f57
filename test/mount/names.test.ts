/**
 * Keys that cannot be names of files, on a server that keeps keys as they are: each is shown, and
 * what is done with its name is done with exactly that key.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startFauxqs } from 'fauxqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../engine/base/clock.ts'
import type { ObjectStore } from '../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { answered, xmlReply } from '../support/faults.ts'
import { type PailHome, pailMount, startPail } from '../support/pail-mount.ts'
import { plainS3Client } from '../support/s3-client.ts'
import { startVersitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
/** Each is something else once it was a part of an address, a header or a pattern. */
const ODD_NAMES = [
  'fi le (1) #?&%41+.txt',
  ' begins and ends with a space ',
  'quotes \' and " and `',
  'back\\slash',
  '%2F%00%zz',
  'a+b=c;d,e@f$g!h*i[j]k{l}|m^n~o',
  '-n',
  '<b>&amp;',
  '\u00fcml\u00e4ut \u{1f600}',
]
const KEYS = { accessKeyId: 'a', secretAccessKey: 's' }

const NO_UPLOADS =
  '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'

type Flat = Awaited<ReturnType<typeof startFauxqs>>

let flat: Flat
let proxy: FaultProxy
let service: S3ObjectService
let url: string

beforeAll(async () => {
  flat = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' })
  proxy = await FaultProxy.start({ url: `http://127.0.0.1:${flat.port}` })
  // The one question that this server cannot answer.
  const operations = ['ListMultiparts'] as const
  proxy.spoil({ operations, fault: answered(xmlReply(200, NO_UPLOADS)) })
  url = proxy.url
  service = new S3ObjectService({ endpoint: { url }, credentials: KEYS, clock: new SystemClock() })
})

afterAll(async () => {
  service?.close()
  await proxy?.stop()
  await flat?.stop()
})

let buckets = 0

/** A new bucket with these objects, each with its own key as content. */
async function bucketWith(keys: readonly string[]) {
  const bucket = `names-${++buckets}`
  flat.createBucket(bucket)
  const store = service.bucket(bucket)
  for (const key of keys) await store.put({ key, body: Buffer.from(`content of ${key}`) })
  return { bucket, store }
}

const mountOf = (bucket: string) => pailMount({ server: { url, ...KEYS }, bucket })

async function keysOf(store: ObjectStore): Promise<string[]> {
  return (await store.list({ prefix: '' })).objects.map(({ key }) => key).sort()
}

async function contentOf(store: ObjectStore, key: string): Promise<string> {
  const { objects } = await store.list({ prefix: key, keysMax: 1 })
  const found = objects.find((object) => object.key === key)
  if (!found) return 'absent'
  const into = new Uint8Array(found.sizeBytes)
  await store.get({ key, etag: found.etag, offset: 0, into })
  return Buffer.from(into).toString()
}

/** Paths of all files below. This process answers for the bucket: it must not wait for itself. */
async function filesBelow(dir: string, path = ''): Promise<string[]> {
  const entries = await fs.readdir(join(dir, path), { withFileTypes: true })
  const files: string[] = []
  for (const entry of entries) {
    const below = path === '' ? entry.name : `${path}/${entry.name}`
    files.push(...(entry.isDirectory() ? await filesBelow(dir, below) : [below]))
  }
  return files
}

const LONG = 'long'.repeat(100)

/** Every shape of key that is no path of ordinary names. */
const AWKWARD = [
  'double//slash',
  '/absolute',
  '//',
  'dots/./here',
  'dots/../above',
  '../../etc/passwd',
  '..',
  '.',
  'both',
  'both/below',
  'both (object)',
  'content/',
  'content/below',
  'tab\tand\nline\u0001',
  'right\u202eto-left',
  'twin-\u00e9',
  'twin-e\u0301',
  LONG,
  `${LONG}/below`,
  `${'k'.repeat(200)}/${'e'.repeat(200)}/${'y'.repeat(200)}/${'s'.repeat(200)}/${'!'.repeat(220)}`,
  '~pail~%2E%2E',
  'CON',
  'a:b\\c',
  'trailing. ',
  '.DS_Store',
  '.pail-journal',
]

describe('Keys that cannot be names of files', () => {
  let mount: PailHome
  let store: ObjectStore
  beforeAll(async () => {
    const made = await bucketWith(AWKWARD)
    store = made.store
    mount = await startPail({ server: { url, ...KEYS }, bucket: made.bucket })
  })
  afterAll(() => mount?.cleanUp())

  test('are all shown, each with its own content, and nothing is outside', async () => {
    const contents = await Promise.all(
      (await filesBelow(mount.dir)).map((file) => fs.readFile(mount.path(file), 'utf8')),
    )
    expect(contents.sort()).toEqual(AWKWARD.map((key) => `content of ${key}`).sort())
    expect(await fs.readFile(mount.path('both (object 2)'), 'utf8')).toBe('content of both')
    expect(await fs.readFile(mount.path('both (object)'), 'utf8')).toBe('content of both (object)')
    expect(await fs.readFile(mount.path('content/~pail~ (object)'), 'utf8')).toBe(
      'content of content/',
    )
    expect((await fs.readdir(mount.path('..'))).includes('mnt')).toBe(true)
  })

  test('are counted in the status, for programs and for people', async () => {
    const { renamedItems } = (await mount.status()).mounts[0] ?? { renamedItems: 0 }
    expect(renamedItems).toBeGreaterThan(8)
    const { stdout } = await mount.pail.run(['status'])
    expect(stdout).toContain(`${renamedItems} items have another name here`)
  })

  test('keep their names when the folder is mounted anew', async () => {
    const before = (await filesBelow(mount.dir)).sort()
    await mount.unmount()
    await mount.mount()
    expect((await filesBelow(mount.dir)).sort()).toEqual(before)
  })

  test('are overwritten under exactly their keys', async () => {
    // What is written to junk stays on this computer.
    const files = (await filesBelow(mount.dir)).filter((file) => file !== '.DS_Store')
    for (const file of files) await fs.writeFile(mount.path(file), `new ${file}`)
    await mount.flush()
    expect(await keysOf(store)).toEqual([...AWKWARD].sort())
    const stored = AWKWARD.filter((key) => key !== '.DS_Store')
    const contents = await Promise.all(stored.map((key) => contentOf(store, key)))
    expect(contents.sort()).toEqual(files.map((file) => `new ${file}`).sort())
  })
})

describe('One of them', () => {
  test.each([
    ['double//slash', 'double/~pail~/slash'],
    ['../up', '~pail~%2E%2E/up'],
    ['/absolute', '~pail~/absolute'],
    ['x/', 'x/~pail~ (object)'],
    ['both', 'both (object)'],
  ])('%j is renamed and deleted alone', async (key, path) => {
    const kept = ['both/below', 'other']
    const { bucket, store } = await bucketWith([key, ...kept])
    const mount = await mountOf(bucket)
    expect(await filesBelow(mount.dir)).toContain(path)
    await fs.rename(mount.path(path), mount.path('moved'))
    await mount.flush()
    expect(await contentOf(store, 'moved')).toBe(`content of ${key}`)
    expect((await keysOf(store)).filter((one) => !one.endsWith('/'))).toEqual(
      [...kept, 'moved'].sort(),
    )
    await fs.unlink(mount.path('moved'))
    await mount.flush()
    expect((await keysOf(store)).filter((one) => !one.endsWith('/'))).toEqual(kept)
  })

  test('with content under the key of a folder keeps it when the folder changes', async () => {
    const { bucket, store } = await bucketWith(['folder/', 'folder/below'])
    const mount = await mountOf(bucket)
    await fs.chmod(mount.path('folder'), 0o700)
    await mount.flush()
    expect(await contentOf(store, 'folder/')).toBe('content of folder/')
    await fs.rename(mount.path('folder'), mount.path('moved'))
    await mount.flush()
    expect(await keysOf(store)).toEqual(['moved/', 'moved/below'])
    expect(await contentOf(store, 'moved/')).toBe('content of folder/')
    await expect(fs.rmdir(mount.path('moved'))).rejects.toThrow('ENOTEMPTY')
    await run('rm', ['-r', mount.path('moved')])
    await mount.flush()
    expect(await keysOf(store)).toEqual([])
  })

  test('that is a folder beside an object of its name is deleted without the object', async () => {
    const { bucket, store } = await bucketWith(['a', 'a/b'])
    const mount = await mountOf(bucket)
    await run('rm', ['-r', mount.path('a')])
    await mount.flush()
    expect(await keysOf(store)).toEqual(['a'])
    expect(await fs.readFile(mount.path('a (object)'), 'utf8')).toBe('content of a')
  })
})

describe('Keys that are not UTF-8', () => {
  test('are counted where the server cannot tell them, and keep nobody from the others', async () => {
    const server = await startVersitygw()
    try {
      await server.createBucket('raw')
      const s3 = plainS3Client(server)
      const raw = (folder: string, byte: number) =>
        Buffer.concat([Buffer.from(`${server.dir}/raw/${folder}/caf`), Buffer.from([byte])])
      // Enough of them that a program which reads them all makes Pail list them at once.
      const folders = Array.from({ length: 6 }, (_, index) => `folder-${index}`)
      for (const folder of folders) {
        await s3.put('raw', `${folder}/plain`, folder)
        for (const byte of [0xe8, 0xe9]) await fs.writeFile(raw(folder, byte), 'raw')
      }
      const mount = await pailMount({ server, bucket: 'raw' })
      expect(await filesBelow(mount.dir)).toEqual(folders.map((folder) => `${folder}/plain`))
      expect(await fs.readFile(mount.path('folder-5/plain'), 'utf8')).toBe('folder-5')
      expect((await mount.status()).mounts[0]?.unshownItems).toBe(12)
      const { stdout } = await mount.pail.run(['status'])
      expect(stdout).toContain('12 items of the bucket cannot be shown')
      for (const byte of [0xe8, 0xe9]) await fs.rm(raw('folder-0', byte))
      await fs.rm(raw('folder-1', 0xe8))
      for (const folder of folders.slice(0, 2)) {
        await mount.pail.run(['refresh', mount.path(folder)])
      }
      expect((await mount.status()).mounts[0]?.unshownItems).toBe(8)
      // Alone under its name, it is one that nobody can ask for.
      expect(await fs.readdir(mount.path('folder-1'))).toEqual(['caf\ufffd', 'plain'])
      await expect(fs.readFile(mount.path('folder-1/caf\ufffd'))).rejects.toThrow()
    } finally {
      await server.stop()
    }
  })
})

describe('Keys longer than those of S3', () => {
  const BYTES_MAX = 3_600
  const longKey = (bytes: number) =>
    `${'d'.repeat(99)}/`.repeat(Math.floor(bytes / 100) - 1) + 'f'.repeat(100 + (bytes % 100))
  const keyIn = (folder: string, bytes: number) => `${folder}/${longKey(bytes - folder.length - 1)}`

  test('are made, renamed and removed where the mount asks for them, up to its limit', async () => {
    const { bucket, store } = await bucketWith([])
    const options = { server: { url, ...KEYS }, bucket, keyBytesMax: BYTES_MAX }
    const mount = await pailMount(options)
    const [longest, moved] = [keyIn('folder', BYTES_MAX), keyIn('moved!', BYTES_MAX)]
    await fs.mkdir(dirname(mount.path(longest)), { recursive: true })
    await fs.writeFile(mount.path(longest), 'at the limit')
    const tooLong = { code: 'ENAMETOOLONG' }
    await expect(fs.writeFile(mount.path(`${longest}y`), 'x')).rejects.toMatchObject(tooLong)
    await mount.flush()
    expect(await contentOf(store, longest)).toBe('at the limit')
    const further = fs.rename(mount.path('folder'), mount.path('further'))
    await expect(further).rejects.toMatchObject(tooLong)
    await fs.rename(mount.path('folder'), mount.path('moved!'))
    await mount.flush()
    expect(await contentOf(store, moved)).toBe('at the limit')
    await mount.unmount()
    const again = await pailMount(options)
    expect(await fs.readFile(again.path(moved), 'utf8')).toBe('at the limit')
    await run('rm', ['-r', again.path('moved!')])
    await again.flush()
    expect(await keysOf(store)).toEqual([])
  })

  test('are shown and can be changed by any mount, which makes no others', async () => {
    const key = keyIn('theirs', BYTES_MAX)
    const { bucket, store } = await bucketWith([key])
    const mount = await mountOf(bucket)
    await fs.appendFile(mount.path(key), ', and more')
    const beside = join(dirname(mount.path(key)), 'x')
    await expect(fs.writeFile(beside, 'x')).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
    await mount.flush()
    expect(await contentOf(store, key)).toBe(`content of ${key}, and more`)
    await expect(mount.pail.run(['mount', 'b', 'd', '--max-key-bytes', '9000'])).resolves.toEqual(
      expect.objectContaining({ code: 2, stderr: expect.stringContaining('from 1024 to 8192') }),
    )
  })
})

describe('Names that programs give', () => {
  test('stay as they are, in either form of an accent, and never meet', async () => {
    const { bucket, store } = await bucketWith([])
    const mount = await mountOf(bucket)
    await fs.writeFile(mount.path('caf\u00e9'), 'composed')
    await fs.writeFile(mount.path('cafe\u0301'), 'decomposed')
    await fs.writeFile(mount.path('a\tb\nc'), 'control')
    expect(await fs.readFile(mount.path('caf\u00e9'), 'utf8')).toBe('composed')
    expect(await fs.readFile(mount.path('cafe\u0301'), 'utf8')).toBe('decomposed')
    await mount.flush()
    expect(await keysOf(store)).toEqual(['a\tb\nc', 'cafe\u0301', 'caf\u00e9'].sort())
    expect(await contentOf(store, 'cafe\u0301')).toBe('decomposed')
  })

  test.each(['a flat server', 'versitygw'])(
    'survive a rename of their folder on %s, whatever a URL would make of them',
    async (kind) => {
      const other = kind === 'versitygw' ? await startVersitygw() : undefined
      try {
        const server = other ?? { url, ...KEYS }
        const { bucket } = await bucketWith([])
        await other?.createBucket(bucket)
        const mount = await pailMount({ server, bucket })
        await fs.mkdir(mount.path('be fore+%2F'))
        for (const name of ODD_NAMES) await fs.writeFile(mount.path('be fore+%2F', name), name)
        await mount.flush()
        await fs.rename(mount.path('be fore+%2F'), mount.path('af ter&?'))
        await mount.flush()
        const keys = await plainS3Client({ region: 'us-east-1', ...server }).list(bucket)
        const found = keys.map(({ key }) => key).filter((key) => !key.endsWith('/'))
        expect(found.sort()).toEqual(ODD_NAMES.map((name) => `af ter&?/${name}`).sort())
        await mount.unmount()
        const again = await pailMount({ server, bucket })
        for (const name of ODD_NAMES) {
          expect(await fs.readFile(again.path('af ter&?', name), 'utf8')).toBe(name)
        }
      } finally {
        await other?.stop()
      }
    },
  )

  test('that the server could not list are refused, and are nowhere', async () => {
    // This server encodes no keys in its listings, and XML has no such character.
    const { bucket, store } = await bucketWith([])
    const mount = await mountOf(bucket)
    await expect(fs.writeFile(mount.path('control \u0001'), 'x')).rejects.toThrow('EILSEQ')
    await expect(fs.mkdir(mount.path('\u001b[31m'))).rejects.toThrow('EILSEQ')
    await fs.writeFile(mount.path('plain'), 'x')
    const moved = fs.rename(mount.path('plain'), mount.path('bell \u0007'))
    await expect(moved).rejects.toThrow('EILSEQ')
    await mount.flush()
    expect(await keysOf(store)).toEqual(['plain'])
  })

  test('that are not UTF-8 are refused as such, and are nowhere', async () => {
    const { bucket, store } = await bucketWith([])
    const mount = await mountOf(bucket)
    const latin = Buffer.concat([Buffer.from(mount.path('caf')), Buffer.from([0xe9])])
    await expect(fs.writeFile(latin, 'x')).rejects.toThrow('EILSEQ')
    await expect(fs.mkdir(latin)).rejects.toThrow('EILSEQ')
    await expect(fs.stat(latin)).rejects.toThrow('ENOENT')
    await fs.writeFile(mount.path('plain'), 'x')
    await expect(fs.rename(Buffer.from(mount.path('plain')), latin)).rejects.toThrow('EILSEQ')
    await mount.flush()
    expect(await keysOf(store)).toEqual(['plain'])
  })
})
