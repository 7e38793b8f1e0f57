/**
 * s3fs's own integration tests on a mount by Pail: on a server that keeps objects as files, and on
 * one that keeps keys as they are.
 *
 * PAIL_S3FS_SOURCE and PAIL_PJDFSTEST_SOURCE: checkouts of github.com/s3fs-fuse/s3fs-fuse and
 * github.com/pjd/pjdfstest; without both these tests are left out, and counted as left out.
 */
import { chmod } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { LONG_KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { type MountedServer, type PailOptions, pailMount } from '../support/pail-mount.ts'
import { startVersitygw } from '../support/versitygw.ts'
import { s3fsCheckouts } from './checkouts.ts'
import { EXPECTED_S3FS_MISSES, EXPECTED_S3FS_MISSES_OF_FILES } from './expected-s3fs.ts'
import { startMoto } from './moto.ts'
import { parseSuiteReport, prepareS3fsSuite, runS3fsSuite, type SuiteReport } from './s3fs-suite.ts'

const BUCKET = 'suite'
const TOLD_CHARACTERS_MAX = 2_000
const checkouts = s3fsCheckouts()

type TestServer = MountedServer & {
  createBucket(name: string): Promise<void>
  stop(): Promise<void>
}

type Wanted = {
  readonly server: TestServer
  readonly more: Pick<PailOptions, 'keyBytesMax'>
}

async function suiteOn({ server, more }: Wanted): Promise<SuiteReport> {
  if (!checkouts) throw new Error('no checkouts')
  await server.createBucket(BUCKET)
  const options = { allowOther: true, syncXattrs: true, attributes: 'all' } as const
  const mount = await pailMount({ server, bucket: BUCKET, ...options, ...more })
  await chmod(mount.home, 0o755)
  await prepareS3fsSuite(checkouts, mount.home)
  const report = await runS3fsSuite({ mount, server, bucket: BUCKET })
  await mount.cleanUp()
  return report
}

function judge(name: string, report: SuiteReport, reasons: ReadonlyMap<string, string>): void {
  const failed = [...report].filter(([, { isPassed }]) => !isPassed)
  console.log(`${name}: ${report.size - failed.length} of ${report.size} tests passed`)
  for (const [test] of failed) console.log(`  ${test}: ${reasons.get(test)}`)
  const unexplained = failed.filter(([test]) => !reasons.has(test))
  const told = unexplained.map(([test, { output }]) => [test, output.slice(-TOLD_CHARACTERS_MAX)])
  expect(told).toEqual([])
  expect(failed.map(([test]) => test).sort()).toEqual([...reasons.keys()].sort())
}

type Kind = {
  readonly start: () => Promise<TestServer>
  readonly more: Wanted['more']
  readonly reasons: ReadonlyMap<string, string>
}

const SERVERS: ReadonlyArray<readonly [string, Kind]> = [
  [
    'versitygw, which keeps objects as files',
    { start: startVersitygw, more: {}, reasons: EXPECTED_S3FS_MISSES_OF_FILES },
  ],
  [
    'moto, which keeps keys as they are',
    {
      start: startMoto,
      more: { keyBytesMax: LONG_KEY_BYTES_MAX },
      reasons: EXPECTED_S3FS_MISSES,
    },
  ],
]

describe('The suite of s3fs', () => {
  test.runIf(checkouts).each(SERVERS)(
    'passes on %s, but for misses that have a reason',
    async (name, { start, more, reasons }) => {
      const server = await start()
      try {
        judge(name, await suiteOn({ server, more }), reasons)
      } finally {
        await server.stop()
      }
    },
  )

  test('is read test by test, each with what it said', () => {
    const report = parseSuiteReport('Trying\ntest_a passed\nno\nbad\ntest_b failed\nPASS: test_a\n')
    expect([...report]).toEqual([
      ['test_a', { isPassed: true, output: 'Trying' }],
      ['test_b', { isPassed: false, output: 'no\nbad' }],
    ])
  })
})
