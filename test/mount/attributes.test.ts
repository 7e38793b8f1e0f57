import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, startPail } from '../support/pail-mount.ts'
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
  mount = await startPail({ server, bucket: BUCKET })
})

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
