/** One bucket, three tools: what one stores, the others see. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { pailMount } from '../support/pail-mount.ts'
import { type PeerName, peerMount, rclone } from '../support/peer-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)

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

async function madeBucket(name: string): Promise<string> {
  await s3.createBucket(name)
  return name
}

/** Files and directories that every tool can store. */
const FILES = `
mkdir -p 'dir one/deep' 'ünï'
printf content > plain.txt; : > empty
printf a > 'with space'; printf bb > '100%41+plus&=?#.txt'; printf ccc > 'ünï/漢字 é'
head -c 300000 /dev/zero | tr '\\0' q > 'dir one/deep/large'
touch -d '2001-02-03 04:05:06.123456789 UTC' plain.txt
touch -d '2002-03-04 05:06:07.5 UTC' 'with space'
touch -d '2003-04-05 06:07:08 UTC' 'dir one/deep/large' empty '100%41+plus&=?#.txt' 'ünï/漢字 é'`

/** What only tools with modes, links and times of directories can. */
const MORE = `
ln -s 'dir one/deep/large' link; ln -s ../absent 'ünï/broken'
chmod 640 plain.txt; chmod 755 'with space'; chmod 700 'dir one'; chown 12:34 plain.txt
touch -h -d '2004-05-06 07:08:09 UTC' link 'ünï/broken'
touch -d '2005-06-07 08:09:10 UTC' 'dir one/deep'`

const shell = async (dir: string, script: string) =>
  (await run('sh', ['-ec', `cd "$0"; ${script}`, dir])).stdout

/** Path, kind, size, mode, owner, time and link target of everything, as find tells them. */
const FULL = `find . -mindepth 1 \\( -type d -printf '%P|%y|%m|%U:%G\\n' -o \
  -printf '%P|%y|%s|%m|%U:%G|%T@|%l\\n' \\) | sort`
const FILES_ALONE = `find . -type f -printf '%P|%s|%T@\\n' | sort; find . -type d | sort`
const CONTENTS = `find . -type f -exec sha256sum {} + | sort`

/** What the script leaves in an ordinary folder. */
async function onDisk(script: string): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'pail-interop-'))
  onTestFinished(() => fs.rm(folder, { recursive: true, force: true }))
  await shell(folder, script)
  return folder
}

/** Opened, so that nothing is left that only an open file tells. */
const READ_ALL = `find . -type f -exec cat {} + > /dev/null`

describe('What Pail stores', () => {
  test('s3fs sees with name, kind, size, mode, owner, time, target and bytes', async () => {
    const bucket = await madeBucket('pail-to-s3fs')
    const pail = await pailMount({ server, bucket })
    await shell(pail.dir, FILES + MORE)
    await pail.flush()
    const s3fs = await peerMount('s3fs', server, bucket)
    const disk = await onDisk(FILES + MORE)
    expect(await shell(s3fs.dir, FULL)).toBe(await shell(disk, FULL))
    expect(await shell(s3fs.dir, CONTENTS)).toBe(await shell(disk, CONTENTS))
    const time = `stat -c %.9Y 'dir one/deep'`
    expect(await shell(s3fs.dir, time)).toBe(await shell(disk, time))
  })

  test('rclone sees with name, size, time and bytes', async () => {
    const bucket = await madeBucket('pail-to-rclone')
    const pail = await pailMount({ server, bucket })
    await shell(pail.dir, FILES)
    await pail.flush()
    const peer = await peerMount('rclone', server, bucket)
    const disk = await onDisk(FILES)
    expect(await shell(peer.dir, FILES_ALONE)).toBe(await shell(disk, FILES_ALONE))
    expect(await shell(peer.dir, CONTENTS)).toBe(await shell(disk, CONTENTS))
  })

  test('s3fs sees with extended attributes, where they are synced', async () => {
    const bucket = await madeBucket('pail-xattr')
    const pail = await pailMount({ server, bucket, syncXattrs: true })
    await shell(pail.dir, 'echo x > f; setfattr -n user.tag -v "a, b: \\"c\\"" f')
    await pail.flush()
    const s3fs = await peerMount('s3fs', server, bucket)
    const get = 'getfattr --only-values -n user.tag f'
    expect(await shell(s3fs.dir, get)).toBe('a, b: "c"')
  })
})

describe('What s3fs stores', () => {
  test('Pail sees with name, kind, size, mode, owner, time, target and bytes', async () => {
    const bucket = await madeBucket('s3fs-to-pail')
    const s3fs = await peerMount('s3fs', server, bucket)
    await shell(s3fs.dir, FILES + MORE)
    await s3fs.unmount()
    const pail = await pailMount({ server, bucket, attributes: 'all' })
    const disk = await onDisk(FILES + MORE)
    expect(await shell(pail.dir, FULL)).toBe(await shell(disk, FULL))
    expect(await shell(pail.dir, CONTENTS)).toBe(await shell(disk, CONTENTS))
    const time = `stat -c %.9Y 'dir one/deep'`
    expect(await shell(pail.dir, time)).toBe(await shell(disk, time))
  })

  test('Pail sees of what was opened, without one request for its sake', async () => {
    const bucket = await madeBucket('s3fs-opened')
    const s3fs = await peerMount('s3fs', server, bucket)
    await shell(s3fs.dir, FILES + MORE)
    await s3fs.unmount()
    const pail = await pailMount({ server, bucket })
    const disk = await onDisk(FILES + MORE)
    await server.resetRequests()
    await shell(pail.dir, `${READ_ALL} || true`)
    const { byAction } = await server.requests()
    expect(byAction.s3_HeadObject).toBeUndefined()
    const kinds = `find . -not -type d -size +0 -printf '%P|%y|%s|%m|%U:%G|%T@|%l\\n' | sort`
    expect(await shell(pail.dir, kinds)).toBe(await shell(disk, kinds))
  })

  test('anew beside the same bytes, Pail sees after a refresh, and fetches no byte again', async () => {
    const bucket = await madeBucket('s3fs-attributes')
    const s3fs = await peerMount('s3fs', server, bucket)
    await shell(s3fs.dir, `${FILES + MORE}; chmod 600 'dir one/deep/large'`)
    const pail = await pailMount({ server, bucket, attributes: 'all' })
    await shell(pail.dir, `${FULL}; ${READ_ALL}`)
    await shell(
      s3fs.dir,
      `chmod 751 'dir one/deep/large' plain.txt 'dir one'; chown 56:78 empty
      touch -d '2011-12-13 14:15:16 UTC' 'with space' 'dir one/deep/large'`,
    )
    // S3 tells the time of such a copy; this server goes on telling when the bytes were written.
    const stored = ['dir one/deep/large', 'plain.txt', 'dir one', 'empty', 'with space']
    await run('touch', ['-c', ...stored.map((key) => join(server.dir, bucket, key))])
    const [theirs, bytes] = [await shell(s3fs.dir, FULL), await shell(s3fs.dir, CONTENTS)]
    await server.resetRequests()
    const folders = [pail.dir, pail.path('dir one'), pail.path('dir one/deep')]
    for (const folder of folders) await pail.pail.run(['refresh', folder])
    expect(await shell(pail.dir, FULL)).toBe(theirs)
    expect(await shell(pail.dir, CONTENTS)).toBe(bytes)
    expect(theirs).toContain('dir one/deep/large|f|300000|751|0:0|1323785716.')
    const { s3_HeadObject, s3_GetObject } = (await server.requests()).byAction
    expect({ s3_HeadObject, s3_GetObject }).toEqual({ s3_HeadObject: stored.length })
  })

  test('keeps its attributes and its links through what Pail does to them', async () => {
    const bucket = await madeBucket('s3fs-changed')
    const s3fs = await peerMount('s3fs', server, bucket)
    await shell(s3fs.dir, `${FILES + MORE}; setfattr -n user.tag -v blue plain.txt`)
    await s3fs.unmount()
    const pail = await pailMount({ server, bucket, attributes: 'all' })
    const change = `ls -lR > /dev/null; mv 'dir one' moved; mv link moved/link2; printf more >> plain.txt
      touch -d '2010-01-01 UTC' plain.txt; chmod 600 'ünï/漢字 é'; rm 'with space'`
    await shell(pail.dir, change)
    await pail.flush()
    const disk = await onDisk(`${FILES + MORE}; ${change}`)
    const again = await peerMount('s3fs', server, bucket)
    expect(await shell(again.dir, FULL)).toBe(await shell(disk, FULL))
    expect(await shell(again.dir, CONTENTS)).toBe(await shell(disk, CONTENTS))
    expect(await shell(again.dir, 'getfattr --only-values -n user.tag plain.txt')).toBe('blue')
  })
})

describe('What rclone stores', () => {
  test('Pail sees with name, size, time and bytes', async () => {
    const bucket = await madeBucket('rclone-to-pail')
    const peer = await peerMount('rclone', server, bucket)
    await shell(peer.dir, FILES)
    await peer.unmount()
    const pail = await pailMount({ server, bucket, attributes: 'all' })
    const disk = await onDisk(FILES)
    expect(await shell(pail.dir, FILES_ALONE)).toBe(await shell(disk, FILES_ALONE))
    expect(await shell(pail.dir, CONTENTS)).toBe(await shell(disk, CONTENTS))
  })

  test('with its links are links, and stay so for rclone', async () => {
    const bucket = await madeBucket('rclone-links')
    const disk = await onDisk(`mkdir d; printf x > d/f; ln -s d/f link; ln -s nowhere broken`)
    await rclone(server, ['copy', '--links', disk, `peer:${bucket}`])
    const pail = await pailMount({ server, bucket })
    const links = `find . -type l -printf '%P|%s|%l\\n' | sort; cat link`
    expect(await shell(pail.dir, links)).toBe(await shell(disk, links))
    await shell(pail.dir, 'mv link d/renamed; rm broken')
    await pail.flush()
    const back = await onDisk('true')
    await rclone(server, ['copy', '--links', `peer:${bucket}`, back])
    expect(await shell(back, `find . -type l -printf '%P|%l\\n'`)).toBe('d/renamed|d/f\n')
  })
})

describe('Directories of all three', () => {
  test('are directories in the form of old s3fs as well, and become ones that all know', async () => {
    const bucket = await madeBucket('directories-old')
    const contentType = 'application/x-directory'
    for (const key of ['kept', 'removed']) await s3.put(bucket, key, '', { contentType })
    await s3.put(bucket, 'file', '')
    const pail = await pailMount({ server, bucket, attributes: 'all' })
    const kinds = `find . -mindepth 1 -printf '%y %P\\n' | sort`
    expect(await shell(pail.dir, kinds)).toBe('d kept\nd removed\nf file\n')
    await shell(pail.dir, 'rmdir removed; mv kept moved')
    await pail.flush()
    expect((await s3.list(bucket)).map(({ key }) => key)).toEqual(['file', 'moved/'])
    const peer = await peerMount('s3fs', server, bucket)
    expect(await shell(peer.dir, kinds)).toBe('d moved\nf file\n')
  })

  test.each<PeerName>(['s3fs', 'rclone'])('are seen, made and removed with %s', async (name) => {
    const bucket = await madeBucket(`directories-${name}`)
    await s3.put(bucket, 'implicit/f', 'x')
    const pail = await pailMount({ server, bucket })
    await shell(pail.dir, 'mkdir -p empty/inner gone; rmdir gone')
    await pail.flush()
    const peer = await peerMount(name, server, bucket)
    expect(await shell(peer.dir, 'find . -mindepth 1 | sort')).toBe(
      './empty\n./empty/inner\n./implicit\n./implicit/f\n',
    )
    // rclone leaves a directory's own object behind: it knows none.
    const removed = name === 's3fs' ? 'rmdir empty/inner;' : ''
    await shell(peer.dir, `${removed} mkdir made; printf x > made/f`)
    await peer.unmount()
    const left = name === 's3fs' ? '' : './empty/inner\n'
    await expect
      .poll(() => shell(pail.dir, 'find . -mindepth 1 | sort'), { timeout: 30_000, interval: 500 })
      .toBe(`./empty\n${left}./implicit\n./implicit/f\n./made\n./made/f\n`)
  })
})
