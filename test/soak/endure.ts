/**
 * Hours of work in one folder: `tsx test/soak/endure.ts [--minutes 240] [--seed N] [--keep-folders]`.
 *
 * In the first quarter the engine is killed every five minutes at the most; then it lives to the end.
 * Its exit code is 1 when anything was wrong, or when memory or descriptors went on growing.
 */
import { parseArgs } from 'node:util'
import { ENDURE_LIMIT_BYTES, type EndureFigures, endure } from '../support/endure.ts'
import { startVersitygw } from '../support/versitygw.ts'

const MINUTE_MS = 60_000
const KILL_EVERY_MS_MAX = 5 * MINUTE_MS
const KILLS_MIN = 4
/** Of the memory after the first third of the steady part. */
const GROWTH_MAX = 0.1
const DESCRIPTORS_MORE_MAX = 10

export async function soakEndure(options: {
  readonly minutes: number
  readonly seed: number
  /** Absent: yes. */
  readonly renamesFolders?: boolean
}): Promise<EndureFigures> {
  const server = await startVersitygw()
  const wholeMs = options.minutes * MINUTE_MS
  const killedMs = wholeMs / 4
  try {
    await server.createBucket('endure')
    const figures = await endure({
      ...{ seed: options.seed, server, bucket: 'endure' },
      ...{ killedMs, steadyMs: wholeMs - killedMs },
      killEveryMs: Math.min(KILL_EVERY_MS_MAX, killedMs / (KILLS_MIN + 1)),
      ...{ faultEveryMs: MINUTE_MS, faultMs: MINUTE_MS / 6 },
      ...{ renamesFolders: options.renamesFolders ?? true },
      onSample: ({ atSeconds, residentBytes, descriptors, cachedBytes, done }) =>
        console.log(
          `endure ${atSeconds} s: ${done} operations, ${mib(residentBytes)} MiB, ${descriptors} descriptors, ${mib(cachedBytes)} MiB cached`,
        ),
    })
    for (const line of wrongInEndure(figures)) console.log(`  ${line}`)
    return figures
  } finally {
    await server.stop()
  }
}

const mib = (bytes: number) => Math.round(bytes / 1024 ** 2)

/** Everything that is not as it was promised. */
export function wrongInEndure(figures: EndureFigures): string[] {
  const { wrong, resident, descriptors, cachedBytesMax } = figures
  const growth = resident.afterBytes / resident.beforeBytes - 1
  const found = [...wrong]
  if (growth > GROWTH_MAX) found.push(`memory grew by ${Math.round(growth * 100)} %`)
  const more = descriptors.after - descriptors.before
  if (more > DESCRIPTORS_MORE_MAX) found.push(`${more} more descriptors are open`)
  if (cachedBytesMax > ENDURE_LIMIT_BYTES) found.push(`${mib(cachedBytesMax)} MiB were cached`)
  return found
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      ...{ minutes: { type: 'string' }, seed: { type: 'string' } },
      'keep-folders': { type: 'boolean' },
    },
  })
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  console.log(`seed ${seed}`)
  const figures = await soakEndure({
    minutes: Number(values.minutes ?? 240),
    seed,
    renamesFolders: values['keep-folders'] !== true,
  })
  console.log(JSON.stringify(figures, null, 2))
  process.exitCode = wrongInEndure(figures).length === 0 ? 0 : 1
}
