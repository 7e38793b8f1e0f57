/**
 * Kills the engine again and again while programs work in its folder, and counts what was lost.
 *
 * Used by test/mount/crash.test.ts in short, and by the soak in long.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Content, contentOf, KillLedger, type Verdict } from './kill-ledger.ts'
import { runPrograms } from './kill-programs.ts'
import { type PailHome, startPail } from './pail-mount.ts'
import { plainS3Client } from './s3-client.ts'
import { Dice, inParallel } from './tree.ts'
import type { Versitygw } from './versitygw.ts'

export type KillOptions = {
  readonly cycles: number
  readonly seed: number
  readonly server: Versitygw
  /** Exists and is empty. */
  readonly bucket: string
  /** The bucket is compared after so many cycles, and in the end. */
  readonly compareEvery?: number
  readonly onCycle?: (cycle: number, figures: KillFigures) => void
}

export type KillFigures = {
  readonly cycles: number
  /** Operations that returned without an error. */
  readonly acknowledged: number
  /** Files there in the end. */
  readonly files: number
  /** Acknowledged content that is gone, or another one, in the folder or in the bucket. */
  readonly lost: readonly string[]
  readonly corrupt: readonly string[]
  /** Removed or renamed away, and there again. */
  readonly resurrected: readonly string[]
  /** Cut off by a kill, and neither the old nor the new content. */
  readonly torn: readonly string[]
  /** In the folder or in the bucket, made by nobody. */
  readonly unknown: readonly string[]
  /** Keys of multipart uploads that nobody will go on with. */
  readonly unfinishedUploads: readonly string[]
  readonly slowestRestartMs: number
}

const LIFE_MS_MIN = 150
const LIFE_MS_MAX = 2500
const READERS = 8

type Finding = Exclude<Verdict, 'fine'> | 'unknown'

type Run = KillOptions & {
  readonly ledger: KillLedger
  readonly dice: Dice
  readonly found: Record<Finding, string[]>
  slowestRestartMs: number
}

export async function runKillCycles(options: KillOptions): Promise<KillFigures> {
  const run: Run = {
    ...options,
    ledger: new KillLedger(),
    dice: new Dice(options.seed),
    found: { lost: [], corrupt: [], resurrected: [], torn: [], unknown: [] },
    slowestRestartMs: 0,
  }
  const mount = await startPail(options)
  try {
    for (let cycle = 1; cycle <= options.cycles; cycle++) {
      await killAmidWork(run, mount)
      await checkFolder(run, mount, `cycle ${cycle}`)
      const isDue = cycle % (options.compareEvery ?? options.cycles) === 0
      if (isDue || cycle === options.cycles) await checkBucket(run, mount, `cycle ${cycle}`)
      options.onCycle?.(cycle, await figuresOf(run, cycle))
    }
    return await figuresOf(run, options.cycles)
  } finally {
    await mount.cleanUp()
  }
}

async function killAmidWork(run: Run, mount: PailHome): Promise<void> {
  const { ledger, dice } = run
  let isKilled = false
  const programs = runPrograms({ dir: mount.dir, ledger, dice }, () => !isKilled)
  // Seen below, after the kill.
  programs.catch(() => {})
  const life = sleep(LIFE_MS_MIN + dice.below(LIFE_MS_MAX - LIFE_MS_MIN))
  // A program that is refused while the engine lives ends the run at once.
  await Promise.race([life, programs])
  isKilled = true
  await mount.kill9()
  await programs
  run.slowestRestartMs = Math.max(run.slowestRestartMs, await mount.remount())
}

/** Right at once after the start: nothing may need time to become right. */
async function checkFolder(run: Run, mount: PailHome, when: string): Promise<void> {
  const { ledger } = run
  await inParallel(ledger.paths, READERS, async (path) => {
    const verdict = ledger.judge(path, await contentAt(mount.path(path)))
    if (verdict !== 'fine') find(run, verdict, path, `${when} folder`)
  })
  const shown = (await readdir(mount.dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(mount.dir.length + 1))
  const expected = new Set(ledger.present(''))
  for (const path of shown) if (!expected.has(path)) find(run, 'unknown', path, `${when} folder`)
  if (shown.length < expected.size) run.found.lost.push(`${when} listing is short`)
}

function find(run: Run, verdict: Finding, path: string, where: string): void {
  run.found[verdict].push(`${where} ${path} [${run.ledger.historyOf(path)}]`)
}

async function contentAt(path: string): Promise<Content> {
  try {
    return contentOf(await readFile(path))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    // A failure is neither the file nor its absence.
    return `fails with ${code}`
  }
}

async function checkBucket(run: Run, mount: PailHome, when: string): Promise<void> {
  await mount.flush()
  const s3 = plainS3Client(run.server)
  try {
    const keys = (await s3.list(run.bucket)).map(({ key }) => key)
    const objects = new Set(keys.filter((key) => !key.endsWith('/')))
    const expected = run.ledger.present('')
    for (const key of objects) {
      if (run.ledger.promisedAt(key) === undefined) find(run, 'resurrected', key, `${when} bucket`)
    }
    await inParallel(expected, READERS, async (path) => {
      if (!objects.has(path)) find(run, 'lost', path, `${when} bucket`)
      else if ((await s3.sha256Of(run.bucket, path)) !== run.ledger.promisedAt(path)) {
        find(run, 'corrupt', path, `${when} bucket`)
      }
    })
  } finally {
    s3.close()
  }
}

async function figuresOf(run: Run, cycles: number): Promise<KillFigures> {
  const s3 = plainS3Client(run.server)
  const unfinishedUploads = await s3.openUploads(run.bucket)
  s3.close()
  const { lost, corrupt, resurrected, torn, unknown } = run.found
  return {
    cycles,
    acknowledged: run.ledger.acknowledged,
    files: run.ledger.presentCount,
    ...{ lost, corrupt, resurrected, torn, unknown },
    unfinishedUploads,
    slowestRestartMs: Math.round(run.slowestRestartMs),
  }
}
