/**
 * The long form of the kill test: `tsx test/soak/kill.ts [--cycles 200] [--seed N]`.
 *
 * Prints one line for each cycle and the figures in the end; its exit code is 1 when anything that
 * was acknowledged is not as it was promised.
 */
import { parseArgs } from 'node:util'
import { type KillFigures, runKillCycles } from '../support/kill-cycles.ts'
import { type RecoveryFigures, runRecoveryKills } from '../support/recovery-kills.ts'
import { startVersitygw } from '../support/versitygw.ts'

const BUCKET = 'kill'
const RECOVERY_BUCKET = 'recovery'
export const RECOVERY_KILLS = 50
const COMPARE_EVERY = 10

export async function soakKill(options: { cycles: number; seed: number }): Promise<KillFigures> {
  const server = await startVersitygw()
  let told = 0
  try {
    await server.createBucket(BUCKET)
    return await runKillCycles({
      ...options,
      server,
      bucket: BUCKET,
      compareEvery: COMPARE_EVERY,
      onCycle: (cycle, figures) => {
        const { acknowledged, files, slowestRestartMs } = figures
        const wrong = wrongIn(figures)
        console.log(
          `kill ${cycle}/${options.cycles}: ${acknowledged} acknowledged, ${files} files, ${wrong.length} wrong, slowest restart ${slowestRestartMs} ms`,
        )
        for (const line of wrong.slice(told)) console.log(`  ${line}`)
        told = wrong.length
      },
    })
  } finally {
    await server.stop()
  }
}

/** Kills while the engine recovers from the kill before. */
export async function soakRecovery(options: {
  readonly kills: number
  readonly seed: number
}): Promise<RecoveryFigures> {
  const server = await startVersitygw()
  try {
    await server.createBucket(RECOVERY_BUCKET)
    const figures = await runRecoveryKills({ ...options, server, bucket: RECOVERY_BUCKET })
    console.log(`${figures.kills} kills during recovery: ${figures.wrong.length} wrong`)
    for (const line of figures.wrong) console.log(`  ${line}`)
    return figures
  } finally {
    await server.stop()
  }
}

/** Everything that is not as it was promised. */
export function wrongIn(figures: KillFigures): string[] {
  const { lost, corrupt, resurrected, torn, unknown, unfinishedUploads } = figures
  const found = { lost, corrupt, resurrected, torn, unknown, unfinishedUploads }
  return Object.entries(found).flatMap(([kind, paths]) => paths.map((path) => `${kind}: ${path}`))
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { cycles: { type: 'string' }, seed: { type: 'string' } },
  })
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  console.log(`seed ${seed}`)
  const figures = await soakKill({ cycles: Number(values.cycles ?? 200), seed })
  const recovery = await soakRecovery({ kills: RECOVERY_KILLS, seed })
  console.log(JSON.stringify({ figures, recovery }, null, 2))
  process.exitCode = wrongIn(figures).length + recovery.wrong.length === 0 ? 0 : 1
}
