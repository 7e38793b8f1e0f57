/**
 * `npm run soak`: everything in its long form, and the figures of it. Exit code 1 when anything that
 * was acknowledged is not as it was promised.
 *
 * `--seed N` repeats a run; `--share 0.01` runs a hundredth of it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { soakEndure, wrongInEndure } from './endure.ts'
import { RECOVERY_KILLS, soakKill, soakRecovery, wrongIn } from './kill.ts'
import { scaledModel, soakModel } from './model.ts'

const KILL_CYCLES = 200
const ENDURE_MINUTES = 240
const ROOT = join(import.meta.dirname, '../..')

/** Every fault on every request by itself; prints its own table. @returns whether all was well */
async function soakFaults(isWhole: boolean): Promise<boolean> {
  const vitest = join(ROOT, 'node_modules/.bin/vitest')
  const env = { ...process.env, ...(isWhole ? { PAIL_FAULTS: 'full' } : {}) }
  const child = spawn(vitest, ['run', '--project', 'faults'], { cwd: ROOT, env, stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return code === 0
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, share: { type: 'string' } } })
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const share = Number(values.share ?? 1)
console.log(`soak seed ${seed}`)

const parts = await soakModel({ seed, ...scaledModel(share) })
const kills = await soakKill({ cycles: Math.max(1, Math.round(KILL_CYCLES * share)), seed })
const recovery = await soakRecovery({
  kills: Math.max(1, Math.round(RECOVERY_KILLS * share)),
  seed,
})
const endurance = await soakEndure({ minutes: ENDURE_MINUTES * share, seed })
const areFaultsFine = await soakFaults(share >= 1)
console.log(JSON.stringify({ parts, kills, recovery, endurance, areFaultsFine }, null, 2))

const isGood =
  parts.every((part) => part.failures.length === 0) &&
  wrongIn(kills).length + recovery.wrong.length + wrongInEndure(endurance).length === 0
process.exitCode = isGood && areFaultsFine ? 0 : 1
