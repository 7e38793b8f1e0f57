/**
 * What a person is told once about a folder, and may dismiss. Part of the engine's API.
 */
import { z } from 'zod'

export const HINTS = ['git'] as const
export type Hint = (typeof HINTS)[number]

export const HintView = z.object({
  hint: z.enum(HINTS),
  /** Absolute: what it is about. */
  path: z.string(),
  /** For a person. */
  sentence: z.string(),
})
export type HintView = z.infer<typeof HintView>

export function hintSentence(hint: Hint, path: string): string {
  switch (hint) {
    case 'git':
      return (
        `${path} is a Git repository. Git reads and writes very many small files: keep it on this ` +
        'computer (pin it), or work on a clone outside of this folder.'
      )
  }
}

export const hintCalls = {
  /** It is not shown again for this folder. */
  'hints/dismiss': {
    input: z.object({ dir: z.string(), hint: z.enum(HINTS) }),
    output: z.object({}),
  },
} as const

export const hintEvents = {
  /** Once for each mounted folder. */
  'hints/raised': HintView.extend({ dir: z.string() }),
} as const
