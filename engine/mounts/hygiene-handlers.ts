/** The calls about what a person decides for the bucket: held deletions, uploads of others. */
import type { EngineHandlers } from '../../shared/engine-contract.ts'
import { abortForeign, foreignUploads } from './hygiene.ts'
import type { MountSession } from './mount-session.ts'

/** Longest look through the open uploads of a bucket. */
const HYGIENE_MS = 120_000

type HygieneCall = 'hints/dismiss' | 'deletes/answer' | 'uploads/foreign' | 'uploads/abort'

/** @param sessionOf  throws PailError `mount/not-mounted` */
export function hygieneHandlers(
  sessionOf: (dir: string) => Promise<MountSession>,
): Pick<EngineHandlers, HygieneCall> {
  return {
    'hints/dismiss': async ({ dir, hint }) => {
      const session = await sessionOf(dir)
      session.dismissHint(hint)
      return {}
    },
    'deletes/answer': async ({ dir, answer }) => ({
      count: await (await sessionOf(dir)).answerDeletes(answer),
    }),
    'uploads/foreign': async ({ dir }) => {
      const { volume, prefix } = await sessionOf(dir)
      const found = await foreignUploads(volume, prefix, AbortSignal.timeout(HYGIENE_MS))
      return { ...found, uploads: [...found.uploads] }
    },
    'uploads/abort': async ({ dir, ids }) => {
      const { volume, prefix } = await sessionOf(dir)
      return abortForeign(volume, prefix, ids, AbortSignal.timeout(HYGIENE_MS))
    },
  }
}
