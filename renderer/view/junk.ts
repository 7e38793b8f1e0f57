/** The list of names that are never uploaded, as a person edits it. Pure. */
import { JunkPattern, type JunkView, PATTERNS_MAX } from '../../shared/junk.ts'
import { formatCount } from '../../shared/sentences.ts'

/** @returns why a name cannot go onto the list, as a sentence; undefined when it can */
export function patternFault(patterns: readonly string[], typed: string): string | undefined {
  const pattern = typed.trim()
  const parsed = JunkPattern.safeParse(pattern)
  if (!parsed.success) return parsed.error.issues[0]?.message ?? 'This is no name of a file.'
  const wanted = pattern.toLowerCase()
  if (patterns.some((one) => one.toLowerCase() === wanted)) return 'It is on the list already.'
  if (patterns.length >= PATTERNS_MAX) return `The list has room for ${PATTERNS_MAX} names.`
  return undefined
}

/** Nothing was added to the list that Pail comes with, and nothing taken off it. */
export function isDefaultList({ patterns, defaults }: JunkView): boolean {
  return patterns.length === defaults.length && defaults.every((one) => patterns.includes(one))
}

/** What happens to such files, in one sentence. */
export function junkSentence({ patterns }: JunkView): string {
  return patterns.length === 0
    ? 'The list is empty: every file is uploaded, whatever its name.'
    : 'Programs can use files and folders of these names as ever, but they stay on this computer and are never uploaded.'
}

export function localWords({ localItems }: JunkView): string {
  if (localItems === 0) return 'None are here now.'
  return `${formatCount(localItems, 'item')} of such names ${localItems === 1 ? 'is' : 'are'} here now.`
}
