/**
 * Kills the engine again and again while it recovers from the kill before.
 *
 * Used by test/mount/crash.test.ts in short, and by the soak in long.
 */
import * as fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { killAndWait, startPail } from './pail-mount.ts'
import { plainS3Client } from './s3-client.ts'
import { Dice, hashesBelow, hashesOf } from './tree.ts'
import type { Versitygw } from './versitygw.ts'

/** Recovery of so many waiting files takes longer than many of the lives below. */
const FILES = 300
const FILE_BYTES_MAX = 10_000
const LIFE_MS_MAX = 500

export type RecoveryOptions = {
  readonly kills: number
  readonly seed: number
  readonly server: Versitygw
  /** Exists and is empty. */
  readonly bucket: string
}

export type RecoveryFigures = {
  readonly kills: number
  readonly files: number
  /** Names that are missing, too many, or have other content, in the folder or in the bucket. */
  readonly wrong: readonly string[]
}

export async function runRecoveryKills(options: RecoveryOptions): Promise<RecoveryFigures> {
  const { kills, seed, server, bucket } = options
  const dice = new Dice(seed)
  const mount = await startPail({ server, bucket })
  const s3 = plainS3Client(server)
  try {
    for (let index = 0; index < FILES; index++) {
      await fs.writeFile(mount.path(`${index}`), dice.bytes(dice.below(FILE_BYTES_MAX)))
    }
    const promised = await hashesBelow(mount.dir)
    await mount.kill9()
    for (let count = 0; count < kills; count++) {
      const engine = mount.startForeground()
      await sleep(dice.below(LIFE_MS_MAX))
      await killAndWait(engine.pid)
      await engine.finished
    }
    await mount.remount()
    const inFolder = differences(promised, await hashesBelow(mount.dir), 'folder')
    await mount.flush()
    const keys = (await s3.list(bucket)).map(({ key }) => key)
    const stored = await hashesOf(keys, (key) => s3.sha256Of(bucket, key))
    const wrong = [...inFolder, ...differences(promised, stored, 'bucket')]
    return { kills, files: Object.keys(promised).length, wrong }
  } finally {
    s3.close()
    await mount.cleanUp()
  }
}

function differences(
  promised: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
  where: string,
): string[] {
  const names = new Set([...Object.keys(promised), ...Object.keys(found)])
  return [...names]
    .filter((name) => promised[name] !== found[name])
    .map((name) => `${where} ${name}`)
}
