/**
 * `npm run soak`: everything in its long form, and the figures of it. Exit code 1 when anything that
 * was acknowledged is not as it was promised.
 *
 * `--seed N` repeats a run; `--share 0.01` runs a hundredth of it.
 */
import { parseArgs } from 'node:util'
import { RECOVERY_KILLS, soakKill, soakRecovery, wrongIn } from './kill.ts'
import { scaledModel, soakModel } from './model.ts'

const KILL_CYCLES = 200

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
console.log(JSON.stringify({ parts, kills, recovery }, null, 2))

const isGood =
  parts.every((part) => part.failures.length === 0) &&
  wrongIn(kills).length + recovery.wrong.length === 0
process.exitCode = isGood ? 0 : 1
