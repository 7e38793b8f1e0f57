import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, pailMount, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'attributes'

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  await putForeign()
  mount = await startPail({ server, bucket: BUCKET })
})

/** What a bucket may say of modes, owners and times, and the mode that is shown for it. */
const BAD_METADATA = [
  [{ mode: '-1', uid: '-1', gid: 'NaN', mtime: 'NaN' }, 644],
  [{ mode: '99999999999', uid: '99999999999', gid: '1.5', mtime: '-62135596800' }, 644],
  [{ mode: '0o777777', mtime: '253402300799', atime: '99999999999999999999' }, 644],
  [{ mode: String(0o106755), mtime: '1e300' }, 755],
  [{ mode: String(0o020666) }, 666],
] as const
const badName = (metadata: object) => `bad-${BAD_METADATA.findIndex(([one]) => one === metadata)}`

/** Objects of other tools, there before the mount is. */
async function putForeign(): Promise<void> {
  const link = { metadata: { mode: String(0o120777), mtime: '5' } }
  await s3.put(BUCKET, 'foreign/file', 'content of the file')
  await s3.put(BUCKET, 'foreign/link', 'file', link)
  await s3.put(BUCKET, 'foreign/write', 'written', link)
  await s3.put(BUCKET, 'foreign/append', 'file', link)
  await s3.put(BUCKET, 'foreign/create', 'created', link)
  await s3.put(BUCKET, 'rclone/there', 'x')
  await s3.put(BUCKET, 'rclone/link.rclonelink', 'there')
  for (let index = 0; index < 20; index++) await s3.put(BUCKET, `many/${index}`, 'x')
  const metadata = { mode: String(0o100640), uid: '7', gid: '8', mtime: '981173106.5' }
  await s3.put(BUCKET, 'all/file', 'x', { metadata })
  await s3.put(BUCKET, 'all/link', 'file', { metadata: { ...metadata, mode: String(0o120777) } })
  for (const [bad] of BAD_METADATA) {
    await s3.put(BUCKET, badName(bad), 'content', { metadata: { ...bad } })
  }
  await s3.put(BUCKET, 'synced/x', 'x')
}

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

const shell = async (script: string) =>
  (await run('sh', ['-ec', `cd "$0"; ${script}`, mount.dir])).stdout

describe('Extended attributes', () => {
  test('are kept for files and directories, follow a rename, and are copied by cp -a', async () => {
    const seen = await shell(`
      echo x > f; mkdir d
      setfattr -n user.tag -v blue f; setfattr -n user.dir -v 1 d
      setfattr -n com.apple.FinderInfo -v 0x0102 f
      mv f d/g; cp -a d e; setfattr -x user.tag d/g
      getfattr --absolute-names -d -m - d d/g e/g`)
    expect(seen.split('\n').filter(Boolean)).toEqual([
      '# file: d',
      'user.dir="1"',
      '# file: d/g',
      'com.apple.FinderInfo=0sAQI=',
      '# file: e/g',
      'com.apple.FinderInfo=0sAQI=',
      'user.tag="blue"',
    ])
  })

  test('outlive the engine', async () => {
    await shell('echo x > kept; setfattr -n user.tag -v blue kept')
    await mount.kill9()
    await mount.remount()
    expect(await shell('getfattr --only-values -n user.tag kept')).toBe('blue')
  })

  test.each([
    ['getfattr -n user.absent f1', /No such attribute/],
    ['setfattr -n trusted.x -v 1 f1', /Operation not supported/],
    [
      'setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff04000400ffffffff20000400ffffffff f1',
      /not supported/,
    ],
    ['setfattr -n user.pail.state -v 1 f1', /Operation not permitted/],
  ])('fail as on a file system without the kind: %s', async (command, message) => {
    await expect(shell(`touch f1; LC_ALL=C ${command}`)).rejects.toThrow(message)
  })
})

describe('Mode, owner and times', () => {
  test('of files and directories are kept, to the nanosecond, and come to the bucket', async () => {
    const seen = await shell(`
      mkdir am; echo x > am/f; mkdir am/d
      chown 1234:4321 am/f; chmod 4751 am/f; chmod 700 am/d
      touch -d '2001-02-03 04:05:06.123456789 UTC' am/f
      touch -d '1969-12-31 23:59:58.5 UTC' am/d
      touch -a -d '2002-01-01 00:00:00 UTC' am/f
      stat -c '%a %u:%g %.9Y %X' am/f; stat -c '%a %.9Y' am/d`)
    expect(seen).toBe('4751 1234:4321 981173106.123456789 1009843200\n700 -1.500000000\n')
    await mount.flush()
    const file = await s3.head(BUCKET, 'am/f')
    expect(file?.metadata).toEqual({
      mode: String(0o104751),
      uid: '1234',
      gid: '4321',
      mtime: '981173106.123456789',
    })
    const directory = await s3.head(BUCKET, 'am/d/')
    expect(directory).toMatchObject({ contentType: 'application/x-directory' })
    expect(directory?.metadata).toMatchObject({ mode: String(0o040700), mtime: '-1.500000000' })
  })

  test('can be left alone, set to now, and lie beyond what can be kept', async () => {
    const script = `import os, time
os.chdir('${mount.dir}'); open('now', 'w').close()
os.utime('now', ns=(5, 7)); before = time.time_ns()
os.utime('now'); assert os.stat('now').st_mtime_ns >= before - 10**9
os.utime('now', ns=(5, 10**19 // 2)); print(os.stat('now').st_atime_ns)
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
OMIT, NOW = (1 << 30) - 2, (1 << 30) - 1
def utimensat(a, m): assert libc.utimensat(-100, b'now', struct.pack('qqqq', *a, *m), 0) == 0
utimensat((0, OMIT), (9, 1)); s = os.stat('now'); print(s.st_atime_ns, s.st_mtime_ns)
utimensat((0, NOW), (0, OMIT)); s = os.stat('now'); print(s.st_atime_ns > before - 10**9, s.st_mtime_ns)
utimensat((3, 0), (253402300799, 0)); print(os.stat('now').st_mtime)`
    const { stdout } = await run('python3', ['-c', script])
    expect(stdout).toBe('5\n5 9000000001\nTrue 9000000001\n9223372036.854776\n')
  })

  test('of a link are its own', async () => {
    const seen = await shell(`
      mkdir al; cd al; echo x > f; ln -s f l; touch -d @5 f; touch -h -d @7.25 l; chown -h 3:4 l
      stat -c '%A %u:%g %.9Y' l f`)
    expect(seen).toBe('lrwxrwxrwx 3:4 7.250000000\n-rw-r--r-- 0:0 5.000000000\n')
    await mount.flush()
    expect((await s3.head(BUCKET, 'al/l'))?.metadata).toEqual({
      mode: String(0o120777),
      uid: '3',
      gid: '4',
      mtime: '7.250000000',
    })
  })
})

describe('Symbolic links', () => {
  test('are followed by programs, and by nothing else', async () => {
    const seen = await shell(`
      mkdir -p ln/d; cd ln; echo content > d/f; ln -s d/f file; ln -s d dir; ln -s absent broken
      ln -s loop loop; cat file dir/f; readlink broken; stat -c %s broken
      cat loop 2>&1 | grep -o 'Too many levels'; echo more >> file; cat d/f
      mv file dir/moved; ls -l d | cut -c1; rm dir/moved; cat d/f; find . -type l | sort`)
    expect(seen.split('\n').filter(Boolean)).toEqual([
      ...['content', 'content', 'absent', '6', 'Too many levels', 'content', 'more'],
      ...['t', '-', 'l', 'content', 'more', './broken', './dir', './loop'],
    ])
  })

  test('survive cp -a, tar and rsync as links', async () => {
    const seen = await shell(`
      mkdir -p lc/a; cd lc; ln -s '../target with space' a/l; cp -a a b; tar cf - a | tar xf - -C b
      readlink b/l b/a/l`)
    expect(seen).toBe('../target with space\n../target with space\n')
  })

  test('that s3fs stored are found when they are opened, and followed at once', async () => {
    expect(await shell('stat -c "%F %s" foreign/link')).toBe('regular file 4\n')
    expect(await shell('cat foreign/link')).toBe('content of the file')
    expect(await shell('stat -c "%F %s" foreign/link')).toBe('symbolic link 4\n')
    await shell('echo new > foreign/write; printf ", longer" >> foreign/append')
    await run('python3', ['-c', `open('${mount.path('foreign/create')}', 'x+')`]).then(
      () => expect.fail('a link is there already'),
      (thrown) => expect(String(thrown)).toContain('FileExistsError'),
    )
    await shell('cat foreign/file > foreign/create')
    expect(await shell('cat foreign/written foreign/file foreign/created')).toBe(
      'new\ncontent of the file, longercontent of the file, longer',
    )
    await mount.flush()
    expect(Buffer.from(await s3.get(BUCKET, 'foreign/write')).toString()).toBe('written')
  })

  test('of rclone are seen in the listing', async () => {
    expect(await shell('ls rclone; cat rclone/link; readlink rclone/link')).toBe(
      'link\nthere\nxthere\n',
    )
  })
})

describe('Listing', () => {
  test('tells attributes without asking for one object by itself', async () => {
    await server.resetRequests()
    await shell('ls -l many; find many -newer rclone -size +5; du -s many')
    const { byAction } = await server.requests()
    expect(byAction.s3_ListObjectsV2).toBeGreaterThan(0)
    expect([byAction.s3_HeadObject, byAction.s3_GetObject]).toEqual([undefined, undefined])
  })

  test('with --attributes all shows what other tools stored, and asks once', async () => {
    const other = await pailMount({ server, bucket: BUCKET, subpath: 'all', attributes: 'all' })
    const list = async () =>
      (await run('stat', ['-c', '%A %u:%g %.9Y', other.path('file'), other.path('link')])).stdout
    expect(await fs.readdir(other.dir)).toEqual(['file', 'link'])
    expect(await list()).toBe(
      '-rw-r----- 7:8 981173106.500000000\nlrwxrwxrwx 7:8 981173106.500000000\n',
    )
    await server.resetRequests()
    await list()
    expect((await server.requests()).byAction).toEqual({})
  })

  test.each(BAD_METADATA)('shows a file whatever its metadata says: %j', async (bad, mode) => {
    const name = badName(bad)
    const seen = await shell(`cat ${name}; ls -l ${name} > /dev/null; stat -c %a:%F:%u ${name}`)
    expect(seen).toBe(`content${mode}:regular file:0\n`)
  })
})

describe('Extended attributes that are to be synced', () => {
  test('travel in the form of s3fs, as far as there is room, and are read back from there', async () => {
    const options = { server, bucket: BUCKET, subpath: 'synced', syncXattrs: true }
    const one = await pailMount(options)
    await run('setfattr', ['-n', 'user.tag', '-v', 'blue', one.path('x')])
    await one.flush()
    const xattr = '%7B%22user.tag%22%3A%22Ymx1ZQ%3D%3D%22%7D'
    expect((await s3.head(BUCKET, 'synced/x'))?.metadata).toMatchObject({ xattr })
    const other = await pailMount(options)
    await run('cat', [other.path('x')])
    const get = ['--only-values', '--absolute-names', '-n', 'user.tag']
    expect((await run('getfattr', [...get, other.path('x')])).stdout).toBe('blue')

    await run('setfattr', ['-n', 'user.large', '-v', 'v'.repeat(3_000), one.path('x')])
    await one.flush()
    expect((await s3.head(BUCKET, 'synced/x'))?.metadata).not.toHaveProperty('xattr')
    expect((await run('getfattr', [...get, one.path('x')])).stdout).toBe('blue')
  })
})
