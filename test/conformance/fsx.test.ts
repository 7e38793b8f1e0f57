/**
 * fsx (crates.io) on a kernel mount: plain, with closes, with maps and everything else it can do,
 * with several seeds each; and through a server and a network that fail.
 *
 * PAIL_FSX_TOTAL: operations of all runs together; a million unless given.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cargoToolPath } from '../../build/cargo-tools.mjs'
import { FaultProxy } from '../support/fault-proxy.ts'
import { flakyWay } from '../support/faults.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type PailHome, pailMount, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'fsx'
const SEEDS = [1, 2, 3, 4, 5]
const TOTAL = Number(process.env.PAIL_FSX_TOTAL ?? 1_000_000)
const FAULTY_TOTAL = TOTAL / 5
const LAST_LINES = 40

/** Relative frequencies of fsx's operations; what is not named happens not at all. */
const PHASES = {
  plain: { read: 10, write: 10, truncate: 10, mapread: 0, mapwrite: 0 },
  close: { read: 10, write: 10, truncate: 10, close_open: 5, fsync: 1, mapread: 0, mapwrite: 0 },
  mmap: { read: 10, write: 10, truncate: 10, mapread: 10, mapwrite: 10, close_open: 1 },
  all: {
    ...{ read: 10, write: 10, truncate: 5, mapread: 10, mapwrite: 10, close_open: 1, fsync: 1 },
    ...{ invalidate: 1, fdatasync: 1, posix_fallocate: 2, punch_hole: 5, sendfile: 5 },
    ...{ posix_fadvise: 2, copy_file_range: 5 },
  },
} as const

type Phase = keyof typeof PHASES
const PHASE_NAMES = Object.keys(PHASES) as Phase[]

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

/** @throws with fsx's last words when the file was other than it must be */
async function fsx(path: string, phase: Phase, seed: number, operations: number): Promise<void> {
  const artifacts = temporaryFolder()
  const config = join(artifacts, 'fsx.toml')
  const weights = Object.entries(PHASES[phase]).map(([name, weight]) => `${name} = ${weight}`)
  mkdirSync(artifacts, { recursive: true })
  writeFileSync(config, `[weights]\n${weights.join('\n')}\n`)
  const counted = ['-N', String(Math.round(operations)), '-S', String(seed)]
  try {
    await run(cargoToolPath('fsx'), [...counted, '-f', config, '-P', artifacts, path])
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string }
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-LAST_LINES).join('\n')
    throw new Error(`fsx ${phase}, seed ${seed}: ${said || String(thrown)}`)
  }
}

const RUNS = SEEDS.flatMap((seed) => PHASE_NAMES.map((phase) => ({ phase, seed })))

describe('fsx finds no wrong byte and no wrong size', () => {
  test.each(RUNS)('$phase, seed $seed', async ({ phase, seed }) => {
    const name = `${phase} ${seed}`
    await fsx(mount.path(name), phase, seed, TOTAL / RUNS.length)
    await mount.flush()
    expect(await s3.sha256Of(BUCKET, name)).toBe(sha256(await readFile(mount.path(name))))
  })
})

describe('fsx finds nothing wrong while one request in ten is refused and one in twenty broken off', () => {
  test.each(PHASE_NAMES)('%s', async (phase) => {
    const proxy = await FaultProxy.start(server)
    try {
      const bucket = `faulty-${phase}`
      await s3.createBucket(bucket)
      const faulty = await pailMount({ server: { ...server, url: proxy.url }, bucket })
      proxy.spoil({ fault: flakyWay({ seed: 1, refused: 0.1, reset: 0.05 }) })
      await fsx(faulty.path('f'), phase, 7, FAULTY_TOTAL / PHASE_NAMES.length)
      await faulty.flush()
      proxy.heal()
      expect(await s3.sha256Of(bucket, 'f')).toBe(sha256(await readFile(faulty.path('f'))))
    } finally {
      await proxy.stop()
    }
  })
})
