import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Finished, Pail, plainEnvironment } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { isMounted, type PailHome, pailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { Dice, hashesOf, hashOfFile, MIB } from '../support/tree.ts'
import { folderOf, ordinaryUser } from '../support/unprivileged.ts'
import { freePort, startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'bad-input'
const UNREACHABLE_MS_MAX = 15_000
/** More than what the engine leaves free in any case. */
const DISK_BYTES = 160 * MIB
const FILL_BYTES = 5 * MIB
const FILL_FILES_MAX = 100

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  await s3.put(BUCKET, 'folder/file', 'x')
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

const homeHere = () => pailHome({ server, bucket: BUCKET })

type Typed = {
  readonly source?: string
  readonly dir?: string
  readonly endpoint?: string
  readonly keys?: string
}

/** `pail mount` with one thing that is wrong. */
function mountWith(home: PailHome, typed: Typed): Promise<Finished> {
  const { source = BUCKET, dir = home.dir, endpoint = server.url, keys } = typed
  const flags = ['--endpoint', endpoint, '--passwd-file', keys ?? home.passwordFile]
  return home.pail.run(['mount', source, dir, ...flags])
}

/** One sentence, an exit code, nothing mounted, nothing secret, no stack. */
function expectRefused(home: PailHome, finished: Finished, code: number, sentence: RegExp): void {
  expect(finished.stderr).toMatch(sentence)
  expect(finished.stderr).toMatch(/^pail: [^\n]{20,400}\n$/)
  expect(finished.code).toBe(code)
  expect(finished.stdout).toBe('')
  expect(finished.stderr).not.toContain(server.secretAccessKey)
  expect(finished.stderr).not.toMatch(/\bat .*:\d+:\d+/)
  expect(isMounted(home.dir)).toBe(false)
}

async function keysFile(home: PailHome, content: string, mode = 0o600): Promise<string> {
  const path = join(home.home, 'other-keys')
  await fs.writeFile(path, content)
  await fs.chmod(path, mode)
  return path
}

describe('pail mount refuses, in one sentence,', () => {
  test('a wrong secret key and a wrong access key', async () => {
    const home = await homeHere()
    const { accessKeyId, secretAccessKey } = server
    for (const wrong of [`${accessKeyId}:wrong-canary`, `wrong:${secretAccessKey}`]) {
      const finished = await mountWith(home, { keys: await keysFile(home, wrong) })
      expectRefused(home, finished, 3, /does not accept these keys/)
      expect(finished.stderr).not.toContain('canary')
    }
  })

  test('an endpoint that nothing answers at, soon', async () => {
    const home = await homeHere()
    const start = performance.now()
    const endpoint = `http://127.0.0.1:${await freePort()}`
    expectRefused(home, await mountWith(home, { endpoint }), 4, /cannot be reached/)
    expect(performance.now() - start).toBeLessThan(UNREACHABLE_MS_MAX)
    expectRefused(home, await mountWith(home, { endpoint: 'not an address' }), 2, /address/)
    expectRefused(home, await mountWith(home, { endpoint: 'ftp://host' }), 2, /http/)
  })

  test('an unknown bucket, and a name that no bucket can have', async () => {
    const home = await homeHere()
    const unknown = await mountWith(home, { source: 'no-such-bucket' })
    expectRefused(home, unknown, 4, /There is no bucket no-such-bucket at http/)
    expectRefused(home, await mountWith(home, { source: 'No_Bucket' }), 4, /bucket No_Bucket/)
  })

  test.each(['a//b', '..', 'folder/../folder', './folder', 'absent', 'folder/file'])(
    'the path %s',
    async (subpath) => {
      const home = await homeHere()
      const finished = await mountWith(home, { source: `${BUCKET}:/${subpath}` })
      expectRefused(home, finished, 2, /^pail: The path .* cannot be used/)
      expect(finished.stderr).toContain(subpath)
    },
  )

  test('a folder that is not empty, missing, or a file', async () => {
    const home = await homeHere()
    await fs.writeFile(join(home.dir, 'mine'), 'x')
    expectRefused(home, await mountWith(home, {}), 5, /is not empty: it holds mine/)
    expect(await fs.readFile(join(home.dir, 'mine'), 'utf8')).toBe('x')
    const missing = await mountWith(home, { dir: join(home.home, 'absent') })
    expectRefused(home, missing, 5, /absent does not exist/)
    const file = await mountWith(home, { dir: join(home.dir, 'mine') })
    expectRefused(home, file, 5, /is a file/)
  })

  test('a folder that is mounted already, or inside a mounted one', async () => {
    const mounted = await pailMount({ server, bucket: BUCKET })
    const home = await homeHere()
    for (const pail of [home, mounted]) {
      const again = await mountWith(pail, { dir: mounted.dir })
      expectRefused(home, again, 5, /already mounted on/)
      const inside = await mountWith(pail, { dir: mounted.path('folder') })
      expectRefused(home, inside, 5, /is inside the mounted folder/)
    }
    expect(await fs.readFile(mounted.path('folder', 'file'), 'utf8')).toBe('x')
  })

  test('a password file that others can read, that is missing, or that is malformed', async () => {
    const home = await homeHere()
    const { accessKeyId, secretAccessKey } = server
    const good = `${accessKeyId}:${secretAccessKey}`
    const readable = await mountWith(home, { keys: await keysFile(home, good, 0o644) })
    expectRefused(home, readable, 3, /others can read it \(mode 644\).*chmod 600/)
    const missing = await mountWith(home, { keys: join(home.home, 'absent') })
    expectRefused(home, missing, 3, /absent does not exist/)
    for (const content of ['', 'no-colon-in-canary', 'a:b:c:canary', ':canary', 'other:a:canary']) {
      const finished = await mountWith(home, { keys: await keysFile(home, content) })
      expectRefused(home, finished, 3, /^pail: The password file .*other-keys cannot be used/)
      expect(finished.stderr).not.toContain('canary')
    }
  })

  test('a computer without /dev/fuse', async () => {
    const home = await homeHere()
    const [program = '', ...args] = ['sh', '-ec', HIDE_DEVICES, 'sh', PROGRAM]
    const pail = hidden(home, [program, ...args])
    const finished = await pail.run([...home.mountArguments, '--foreground'])
    expectRefused(home, finished, 6, /\/dev\/fuse is missing/)
  })

  test('a user who is not root on a computer without fusermount3', async () => {
    const user = await ordinaryUser()
    const home = await homeHere()
    const own = await folderOf(user, 'pail-own-')
    onTestFinished(() => fs.rm(own, { recursive: true, force: true }))
    const keys = join(own, 'keys')
    await fs.copyFile(home.passwordFile, keys)
    await fs.mkdir(join(own, 'mnt'))
    await run('chown', ['-R', `${user.uid}:${user.gid}`, own])
    const asUser = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
    const pail = hidden(home, ['sh', '-ec', HIDE_FUSERMOUNT, 'sh', ...asUser, PROGRAM], own)
    const flags = ['--endpoint', server.url, '--passwd-file', keys, '--foreground']
    const dataDir = ['--data-dir', join(own, 'data')]
    const finished = await pail.run(['mount', BUCKET, join(own, 'mnt'), ...flags, ...dataDir])
    expectRefused(home, finished, 6, /fusermount3 is missing.*fuse3/)
  })
})

const PROGRAM = join(import.meta.dirname, '../../bin/pail')
/** In a mount namespace of its own: the rest of the computer keeps its devices. */
const HIDE_DEVICES = `mount -t tmpfs none /mnt
  for name in null zero random urandom; do touch /mnt/$name; mount --bind /dev/$name /mnt/$name; done
  mount --rbind /mnt /dev; exec "$@"`
const HIDE_FUSERMOUNT = `mount -t tmpfs none /mnt; mkdir /mnt/bin; chmod 755 /mnt /mnt/bin
  mknod -m 666 /mnt/fuse c 10 229; mount --bind /mnt/fuse /dev/fuse
  for name in $(command -v fusermount3) /usr/bin/fusermount3 /bin/fusermount3; do
    if [ -e "$name" ]; then real=$(readlink -f "$name"); fi
  done
  if [ -n "\${real:-}" ]; then cp -a "$(dirname "$real")/." /mnt/bin/; rm /mnt/bin/fusermount3
    mount --bind /mnt/bin "$(dirname "$real")"; fi
  exec "$@"`

function hidden(home: PailHome, command: readonly string[], own = home.home): Pail {
  const unshare = ['unshare', '--mount', '--propagation', 'private']
  const environment = { ...plainEnvironment(own), PAIL_DATA_DIR: home.dataDir }
  return new Pail([...unshare, ...command], environment)
}

describe('A full disk', () => {
  test('tells the program that writes, loses nothing, and is over when there is space', async () => {
    const bucket = 'disk-full'
    await s3.createBucket(bucket)
    const disk = await smallDisk()
    const mount = await pailMount({ server, bucket, dataDir: join(disk, 'data') })
    await fs.writeFile(mount.path('first'), 'x')
    await mount.flush()
    // Nothing leaves this computer, so that what is written stays on its disk.
    await server.pause()
    const { acknowledged, refusal } = await fill(mount).finally(() => server.resume())
    expect(refusal).toBe('ENOSPC')
    const names = Object.keys(acknowledged)
    expect(names.length).toBeGreaterThan(5)
    expect(await hashesOf(names, (name) => hashOfFile(mount.path(name)))).toEqual(acknowledged)

    await run('mount', ['-o', `remount,size=${4 * DISK_BYTES}`, disk])
    await mount.flush()
    expect(await hashesOf(names, (name) => s3.sha256Of(bucket, name))).toEqual(acknowledged)
    await fs.writeFile(mount.path('after'), Buffer.alloc(FILL_BYTES))
    await mount.flush()
    expect((await s3.head(bucket, 'after'))?.sizeBytes).toBe(FILL_BYTES)
  })
})

async function smallDisk(): Promise<string> {
  const disk = temporaryFolder()
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'pail-small', disk])
  onTestFinished(() => run('umount', ['-l', disk]).then(() => undefined))
  return disk
}

/** Writes files until one is refused. @returns those whose `close` was answered */
async function fill(mount: PailHome) {
  const dice = new Dice(3)
  const acknowledged: Record<string, string> = {}
  for (let index = 0; index < FILL_FILES_MAX; index++) {
    const content = dice.bytes(FILL_BYTES)
    try {
      await fs.writeFile(mount.path(`f${index}`), content)
    } catch (thrown) {
      return { acknowledged, refusal: (thrown as NodeJS.ErrnoException).code }
    }
    acknowledged[`f${index}`] = sha256(content)
  }
  return { acknowledged, refusal: undefined }
}
