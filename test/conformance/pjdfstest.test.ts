/**
 * pjdfstest (crates.io): what POSIX says about names, rights, times and limits, case by case, on a
 * kernel mount and on a local disk beside it.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { LONG_KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pailMount } from '../support/pail-mount.ts'
import { EXPECTED_MISSES } from './expected.ts'
import { startMoto } from './moto.ts'
import { countOf, judge, parseReport, pjdfstest, writeConfiguration } from './pjdfstest.ts'

const run = promisify(execFile)
const BUCKET = 'pjdfstest'
/** Cases about other people become these. */
const USERS = ['pail-test', 'pail-test-2'] as const

beforeAll(async () => {
  for (const user of USERS) {
    await run('id', ['-u', user]).catch(() => run('useradd', ['--create-home', user]))
  }
})

describe('pjdfstest', () => {
  test('passes on a mounted bucket as on a local disk, but for misses that have a reason', async () => {
    const folder = temporaryFolder()
    const dir = join(folder, 'local')
    const config = join(folder, 'pjdfstest.toml')
    await mkdir(dir)
    await chmod(folder, 0o755)
    await writeConfiguration(config, USERS)
    const server = await startMoto()
    onTestFinished(() => server.stop())
    await server.createBucket(BUCKET)
    const options = { allowOther: true, keyBytesMax: LONG_KEY_BYTES_MAX }
    const mount = await pailMount({ server, bucket: BUCKET, ...options })
    await chmod(mount.home, 0o755)
    const local = await pjdfstest(config, dir, mount.dir)
    const mounted = await pjdfstest(config, mount.dir, dir)
    const { unexplained, explained, outdated } = judge(local, mounted, EXPECTED_MISSES)
    console.log(`local disk: ${countOf(local, 'ok')} of ${local.size} cases passed`)
    console.log(
      `mounted: ${countOf(mounted, 'ok')} passed, ${explained.length} missed for a reason`,
    )
    for (const name of explained) console.log(`  ${name}: ${EXPECTED_MISSES.get(name)}`)
    expect(unexplained.map((name) => `${name}: ${mounted.get(name)?.why}`)).toEqual([])
    expect(outdated).toEqual([])
  })
})

describe('The judge', () => {
  const local = parseReport('a::x   ok\na::y   ok\na::z   FAILED\n\twhy\na::w  ok\n')
  const mounted = parseReport('a::x  ok\na::y   FAILED\n\tEPERM\na::z   FAILED\na::w   skipped\n')

  test('names what a local disk passes and the mount misses', () => {
    const verdict = judge(local, mounted, new Map([['a::y', 'links']]))
    expect(verdict).toEqual({ unexplained: ['a::w'], explained: ['a::y'], outdated: [] })
    expect(mounted.get('a::y')?.why).toBe('EPERM')
  })

  test('refuses a reason for what passes, and for what is no case', () => {
    const reasons = new Map([
      ['a::x', 'passes'],
      ['a::none', 'absent'],
    ])
    expect(judge(local, mounted, reasons).outdated).toEqual(['a::x', 'a::none'])
  })
})
