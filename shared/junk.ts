/**
 * Files that operating systems strew about and nobody means to store: they stay on this computer. Pure.
 *
 * Keeps: nothing that a person made by its name is on the list. `.Trash-*` and `$RECYCLE.BIN` are not:
 *        what somebody threw away would exist on this disk alone, and they may want it back.
 */
import { z } from 'zod'

/** In this order they are shown. `*` stands for any run of characters, `?` for one. */
export const JUNK_DEFAULTS: readonly string[] = [
  // Finder, and what macOS keeps on volumes that it did not make.
  '.DS_Store',
  '._*',
  '.Spotlight-V100',
  '.Trashes',
  '.fseventsd',
  '.TemporaryItems',
  '.DocumentRevisions-V100',
  '.apdisk',
  // Windows Explorer.
  'Thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  // KDE's view of a folder; files that are open somewhere and were removed.
  '.directory',
  '.fuse_hidden*',
  '.nfs0*',
]

export const PATTERNS_MAX = 200
const PATTERN_CHARACTERS_MAX = 255

/** One name, not a path: a slash or nothing at all matches no file. A lone `*` would match all. */
export const JunkPattern = z
  .string()
  .min(1, 'Type a name.')
  .max(PATTERN_CHARACTERS_MAX, `A name has at most ${PATTERN_CHARACTERS_MAX} characters.`)
  .refine((text) => !/[/\0]/.test(text), 'A pattern is for one name, without slashes.')
  .refine((text) => /[^*?]/.test(text), 'A pattern needs a character that is no wildcard.')

export const JunkView = z.object({
  patterns: z.array(z.string()),
  defaults: z.array(z.string()),
  /** Files and folders that are on this computer alone because of the list. */
  localItems: z.number().int(),
})
export type JunkView = z.infer<typeof JunkView>

export const junkCalls = {
  'junk/get': { input: z.object({}), output: JunkView },
  /** What no pattern matches any more is uploaded; what is in the bucket stays as it is. */
  'junk/set': {
    input: z.object({ patterns: z.array(JunkPattern).max(PATTERNS_MAX) }),
    output: JunkView,
  },
} as const

/** Whatever the case of its letters: the systems that make such files do not tell it apart. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [text, wanted] = [name.toLowerCase(), pattern.toLowerCase()]
  // Most names differ from most patterns in how they begin.
  const isOpen = wanted.startsWith('*') || wanted.startsWith('?')
  if (!isOpen && text[0] !== wanted[0]) return false
  return matchesFolded([...text], [...wanted])
}

/** Remembers the last `*` alone: the time is at most the product of both lengths. */
function matchesFolded(name: readonly string[], pattern: readonly string[]): boolean {
  let at = 0
  let from = 0
  let star = -1
  let starAt = 0
  while (at < name.length) {
    if (pattern[from] === '*') {
      star = from++
      starAt = at
    } else if (pattern[from] === '?' || (from < pattern.length && pattern[from] === name[at])) {
      from++
      at++
    } else if (star >= 0) {
      from = star + 1
      at = ++starAt
    } else return false
  }
  while (pattern[from] === '*') from++
  return from === pattern.length
}
