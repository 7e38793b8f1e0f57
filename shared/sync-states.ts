/**
 * The state of a file as data: four axes, one badge derived from them, and the words for people.
 *
 * Keeps: the first rule of BADGE_RULES that holds is the badge; BADGES is also the order from the
 *        worst to the best, by which a folder shows its worst child.
 * Never: acts. What can be done about a state is named here and done by the call in ACTIONS.
 */
import { z } from 'zod'

export const CONTENTS = ['cloud', 'partial', 'local'] as const
export const PINS = ['none', 'pinned', 'inherited', 'excluded'] as const
export const CHANGES = [
  'clean',
  'waiting',
  'queued',
  'uploading',
  'verifying',
  'conflict',
  'failed',
] as const
export const REMOTES = [
  'fresh',
  'stale',
  'changed',
  'deleted',
  'archived',
  'restoring',
  'unknown',
] as const

/** From what needs a person most to what needs nobody. */
export const BADGES = [
  'failed',
  'conflict',
  'uploading',
  'downloading',
  'waiting',
  'archived',
  'pinned',
  'local',
  'partial',
  'cloud',
] as const

export type Content = (typeof CONTENTS)[number]
export type Pin = (typeof PINS)[number]
export type Change = (typeof CHANGES)[number]
export type RemoteState = (typeof REMOTES)[number]
export type Badge = (typeof BADGES)[number]

/** What an extension or a list shows; `none` is for files that never go to the bucket. */
export const BADGE_WORDS: Readonly<Record<Badge | 'none', string>> = {
  failed: 'Needs attention',
  conflict: 'Conflict',
  uploading: 'Uploading',
  downloading: 'Downloading',
  waiting: 'Waiting to upload',
  archived: 'Archived',
  pinned: 'Kept offline',
  local: 'On this computer',
  partial: 'Partly here',
  cloud: 'In cloud',
  none: 'Stays on this computer',
}

/** The value of each axis, and whether bytes come down now. */
export type AxisValues = {
  readonly content: Content
  readonly pin: Pin
  readonly change: Change
  readonly remote: RemoteState
  readonly isDownloading: boolean
}

type BadgeRule = { readonly badge: Badge; readonly holds: (axes: AxisValues) => boolean }

/** First match wins. The last one always holds. */
export const BADGE_RULES: readonly BadgeRule[] = [
  { badge: 'failed', holds: ({ change }) => change === 'failed' },
  { badge: 'conflict', holds: ({ change }) => change === 'conflict' },
  { badge: 'uploading', holds: ({ change }) => change === 'uploading' || change === 'verifying' },
  { badge: 'downloading', holds: ({ isDownloading }) => isDownloading },
  { badge: 'waiting', holds: ({ change }) => change === 'waiting' || change === 'queued' },
  {
    badge: 'archived',
    holds: ({ remote, content }) =>
      (remote === 'archived' || remote === 'restoring') && content !== 'local',
  },
  { badge: 'pinned', holds: ({ pin }) => pin === 'pinned' || pin === 'inherited' },
  { badge: 'local', holds: ({ content }) => content === 'local' },
  { badge: 'partial', holds: ({ content }) => content === 'partial' },
  { badge: 'cloud', holds: () => true },
]

export function badgeOf(axes: AxisValues): Badge {
  return BADGE_RULES.find(({ holds }) => holds(axes))?.badge ?? 'cloud'
}

/** What a person can do about a state, and with what. */
export const ACTIONS = {
  retry: { word: 'Try again', command: 'pail retry' },
  'upload-now': { word: 'Upload now', command: 'pail flush --wait' },
  'pause-uploads': { word: 'Pause uploads', command: 'pail pause' },
  'resume-uploads': { word: 'Resume uploads', command: 'pail resume' },
  'work-online': { word: 'Work online', command: 'pail offline off' },
  'sign-in': { word: 'Change the keys', command: 'pail mount' },
  'keep-mine': { word: 'Keep mine', command: 'pail conflicts resolve' },
  'keep-theirs': { word: 'Keep theirs', command: 'pail conflicts resolve' },
  'keep-both': { word: 'Keep both', command: 'pail conflicts resolve' },
  refresh: { word: 'Refresh', command: 'pail refresh' },
  restore: { word: 'Restore', command: 'pail restore' },
} as const satisfies Record<string, { word: string; command: string }>

export type Action = keyof typeof ACTIONS
const ACTION_NAMES = Object.keys(ACTIONS) as [Action, ...Action[]]

/** When Pail goes on by itself: at a time, or as soon as something has happened. */
export const NextTry = z.union([
  z.object({ atMs: z.number() }),
  z.object({ when: z.enum(['closed', 'online', 'resumed', 'signed-in', 'mounted', 'person']) }),
])
export type NextTry = z.infer<typeof NextTry>

export const NEXT_TRY_WORDS: Readonly<Record<Extract<NextTry, { when: string }>['when'], string>> =
  {
    closed: 'when the program closes it',
    online: 'when the network is back',
    resumed: 'when uploads are resumed',
    'signed-in': 'when the keys work again',
    mounted: 'when its folder is mounted again',
    person: 'when a person decides',
  }

const Percent = z.number().int().min(0).max(100)

export const FileState = z.object({
  content: z.object({ value: z.enum(CONTENTS), percent: Percent }),
  pin: z.enum(PINS),
  change: z.object({ value: z.enum(CHANGES), percent: Percent.optional() }),
  remote: z.object({ value: z.enum(REMOTES), ageMs: z.number().optional() }),
  badge: z.enum([...BADGES, 'none']),
  /** One sentence for a person; always there when `change` is not `clean`. */
  reason: z.string().optional(),
  nextTry: NextTry.optional(),
  actions: z.array(z.enum(ACTION_NAMES)),
})
export type FileState = z.infer<typeof FileState>

export const FolderCounts = z.object({
  failed: z.number().int(),
  conflicts: z.number().int(),
  uploading: z.number().int(),
  downloading: z.number().int(),
  waiting: z.number().int(),
})
export type FolderCounts = z.infer<typeof FolderCounts>

/** A folder is as its worst child, and says how many there are of what. */
export const FolderState = z.object({
  badge: z.enum(BADGES),
  /** `3 waiting, 1 failed`; empty when there is nothing to say. */
  sentence: z.string(),
  counts: FolderCounts,
  content: z.object({ value: z.enum(CONTENTS), percent: Percent }),
  pin: z.enum(PINS),
  remote: z.object({ value: z.enum(REMOTES), ageMs: z.number().optional() }),
  pendingBytes: z.number(),
  /** Of what is known below the folder: the bucket's files, and what of them is on this disk. */
  knownFiles: z.number().int(),
  knownBytes: z.number(),
  cachedBytes: z.number(),
})
export type FolderState = z.infer<typeof FolderState>
