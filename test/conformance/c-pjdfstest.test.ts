/**
 * The C pjdfstest on a kernel mount and on a local disk beside it, counted by assertion.
 *
 * PAIL_PJDFSTEST_SOURCE: a checkout of github.com/pjd/pjdfstest; without it these tests are left
 * out, and counted as left out.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LONG_KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type PailOptions, pailMount } from '../support/pail-mount.ts'
import { plainS3Client } from '../support/s3-client.ts'
import { startVersitygw } from '../support/versitygw.ts'
import {
  buildPjdfstest,
  isOfObjectStores,
  isOfOneUser,
  type PjdReport,
  parseTap,
  readTestFiles,
  runPjdfstest,
  type TestFiles,
  totalsOf,
  withoutSpecialTypes,
} from './c-pjdfstest.ts'
import { pjdfstestCheckout } from './checkouts.ts'
import { EXPECTED_FILE_MISSES } from './expected-c.ts'
import { startMoto } from './moto.ts'

const BUCKET = 'pjdfstest'
const CLEAN_ERRNOS = new Set(['EPERM', 'ENOENT', 'EISDIR', 'EEXIST', 'EADDRINUSE'])
const checkout = pjdfstestCheckout()

/** Each run has the local disk's report and the mount's, and what it left in the bucket. */
type Reports = {
  readonly local: PjdReport
  readonly mounted: PjdReport
  readonly left: readonly string[]
}

/** On a server that keeps objects as files, or, with paths as long as any, on one that does not. */
async function onBoth(
  folder: string,
  paths: Iterable<string>,
  more: Pick<PailOptions, 'keyBytesMax'> = {},
): Promise<Reports> {
  const [dir, wanted] = [join(folder, 'local'), [...paths]]
  await mkdir(dir, { recursive: true })
  const server = await (more.keyBytesMax === undefined ? startVersitygw() : startMoto())
  try {
    await server.createBucket(BUCKET)
    // Nobody is here to be asked about the many deletions.
    const options = { server, bucket: BUCKET, allowOther: true, confirmDeletes: false }
    const mount = await pailMount({ ...options, ...more })
    await chmod(mount.home, 0o755)
    const local = await runPjdfstest({ folder, paths: wanted, dir })
    const mounted = await runPjdfstest({ folder, paths: wanted, dir: mount.dir })
    await mount.flush()
    const left = (await plainS3Client(server).list(BUCKET)).map(({ key }) => key)
    await mount.cleanUp()
    return { local, mounted, left }
  } finally {
    await server.stop()
  }
}

async function prepared(source: string): Promise<{ folder: string; files: TestFiles }> {
  const folder = temporaryFolder()
  await chmod(folder, 0o755)
  await buildPjdfstest(source, folder)
  return { folder, files: await readTestFiles(folder) }
}

const pathsOf = (files: TestFiles, isWanted: (entry: readonly [string, string]) => boolean) =>
  [...files].filter(isWanted).map(([path]) => path)

/** A file may ask less of one kind of file system than of another. */
function tell(name: string, { local, mounted }: Omit<Reports, 'left'>): void {
  const { passed, failed } = totalsOf(mounted)
  const beside = `a local disk: ${totalsOf(local).passed}`
  console.log(`${name}: ${passed} of ${passed + failed} assertions passed; ${beside}`)
}

const failuresOf = (report: PjdReport) =>
  [...report].flatMap(([path, { failed }]) => failed.map((line) => `${path}: ${line}`))

describe('The C pjdfstest', () => {
  test.runIf(checkout)(
    'passes whole where object storage can hold what it asks for, for many users and for one',
    async () => {
      const { folder, files } = await prepared(checkout ?? '')
      for (const [path, text] of files) {
        await writeFile(join(folder, 'tests', path), withoutSpecialTypes(text))
      }
      const reports = await onBoth(folder, pathsOf(files, isOfObjectStores))
      const single = new Set(pathsOf(files, isOfOneUser))
      const ofOne = (report: PjdReport) => new Map([...report].filter(([path]) => single.has(path)))
      tell('object-store profile', reports)
      tell('single-user profile', {
        local: ofOne(reports.local),
        mounted: ofOne(reports.mounted),
      })
      expect(failuresOf(reports.local)).toEqual([])
      expect(failuresOf(reports.mounted)).toEqual([])
      expect(reports.left).toEqual([])
    },
  )

  test.runIf(checkout)(
    'is missed in other files only for a reason that is written down',
    async () => {
      const { folder, files } = await prepared(checkout ?? '')
      const options = { keyBytesMax: LONG_KEY_BYTES_MAX }
      const reports = await onBoth(folder, files.keys(), options)
      tell('all files', reports)
      expect(failuresOf(reports.local)).toEqual([])
      const missed = [...reports.mounted].filter(([, { failed }]) => failed.length > 0)
      for (const [path, { passed, failed }] of missed) {
        const of = `${failed.length} of ${passed + failed.length}`
        console.log(`  ${path}: ${of} failed: ${EXPECTED_FILE_MISSES.get(path)}`)
      }
      expect(missed.map(([path]) => path).sort()).toEqual([...EXPECTED_FILE_MISSES.keys()].sort())
      expect(failuresOf(reports.mounted).filter((line) => !isCleanRefusal(line))).toEqual([])
      expect(reports.left).toEqual([])
    },
  )
})

/**
 * What cannot be made is refused, and what the suite then does with it finds nothing: never an I/O
 * error, never an operation that is not there.
 */
function isCleanRefusal(line: string): boolean {
  const [, errno] = /, got (E\w+)$/.exec(line) ?? []
  return errno === undefined || CLEAN_ERRNOS.has(errno)
}

describe('What is read of the C pjdfstest', () => {
  test('what a file calls unfinished is no failure', () => {
    const tap = "1..4\nok 1\nnot ok 2 - tried 'x', expected 0, got EIO\nnot ok 3 # TODO why\nok 4\n"
    expect(parseTap(tap)).toEqual({
      passed: 2,
      failed: ["not ok 2 - tried 'x', expected 0, got EIO"],
    })
  })

  test('loops lose what no bucket holds, and nothing else', () => {
    const text = 'for type in regular dir fifo block char socket symlink; do\n\tcreate_file fifo\n'
    expect(withoutSpecialTypes(text).replaceAll(/ +/g, ' ')).toBe(
      'for type in regular dir symlink; do\n\tcreate_file fifo\n',
    )
  })

  test('files about links, devices and long paths are in no profile; other users in one', () => {
    const files: ReadonlyArray<readonly [string, string]> = [
      ['link/00.t', 'expect 0 create a'],
      ['unlink/00.t', 'expect 0 mkfifo a 0644'],
      ['rename/00.t', 'expect 0 -u 1 link a b'],
      ['mkdir/03.t', 'n=`dirgen_max`'],
      ['chmod/00.t', 'expect 0 -u 65534 chmod a 0644'],
      ['open/00.t', 'expect 0 unlink a\nexpect 0 symlink a b'],
    ]
    expect(files.filter(isOfObjectStores).map(([path]) => path)).toEqual([
      'chmod/00.t',
      'open/00.t',
    ])
    expect(files.filter(isOfOneUser).map(([path]) => path)).toEqual(['open/00.t'])
  })
})
