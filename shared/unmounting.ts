/**
 * What stands in the way of taking a mounted folder away.
 */
import { z } from 'zod'

export const HolderView = z.object({
  pid: z.number().int(),
  program: z.string(),
  /** Absolute, the working directory first; some of them when there are many. */
  paths: z.array(z.string()),
})
export type HolderView = z.infer<typeof HolderView>

export const HoldersView = z.object({
  /** Programs that use the folder. */
  holders: z.array(HolderView),
  /** False: there may be more, for instance programs of other users. */
  isComplete: z.boolean(),
  pendingFiles: z.number().int(),
  pendingBytes: z.number().int(),
})
export type HoldersView = z.infer<typeof HoldersView>

/** Names told in one sentence. */
const PROGRAMS_TOLD_MAX = 3

/** `vim (4711), python3 (4712) and 2 more`. */
export function holdersSentence(holders: readonly HolderView[]): string {
  const told = holders.slice(0, PROGRAMS_TOLD_MAX).map(({ program, pid }) => `${program} (${pid})`)
  const rest = holders.length - told.length
  return rest > 0 ? `${told.join(', ')} and ${rest} more` : told.join(', ')
}
