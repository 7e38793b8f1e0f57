import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FileFacts, fileState, type RowFact } from '../../../engine/sync/file-state.ts'
import { countSentence, folderState } from '../../../engine/sync/folder-state.ts'
import { ERRORS, type ErrorCode } from '../../../shared/errors.ts'
import { CONNECTIVITY_TRANSITIONS, type ConnectivityState } from '../../../shared/states.ts'
import { ACTIONS, BADGE_WORDS, BADGES, PINS } from '../../../shared/sync-states.ts'

const NOW_MS = 1_800_000_000_000
const CODES = Object.keys(ERRORS) as ErrorCode[]
const CONNECTIVITIES = Object.keys(CONNECTIVITY_TRANSITIONS) as ConnectivityState[]

const PLAIN: FileFacts = {
  nowMs: NOW_MS,
  sizeBytes: 1000,
  hereBytes: 0,
  isLocalOnly: false,
  pin: 'none',
  rows: [],
  upload: undefined,
  isDownloading: false,
  isConflict: false,
  isBeingWritten: false,
  connectivity: 'online',
  isPaused: false,
  meanwhile: undefined,
  storage: undefined,
  archiveSentence: undefined,
  openSentence: undefined,
  listedMs: NOW_MS - 5_000,
}

const row: fc.Arbitrary<RowFact> = fc.record({
  state: fc.constantFrom('waiting' as const, 'waiting', 'failed'),
  op: fc.constantFrom('put' as const, 'marker', 'attributes', 'move', 'delete'),
  readyMs: fc.integer({ min: NOW_MS - 1000, max: NOW_MS + 60_000 }),
  attempts: fc.nat(10),
  errorCode: fc.option(fc.constantFrom(...CODES), { nil: undefined }),
})

/** Any mix of facts, also such as never come together. */
const facts: fc.Arbitrary<FileFacts> = fc.record({
  nowMs: fc.constant(NOW_MS),
  sizeBytes: fc.constantFrom(0, 1, 1000, 5_000_000_000),
  hereBytes: fc.constantFrom(0, 1, 999, 1000, 5_000_000_000),
  isLocalOnly: fc.boolean(),
  pin: fc.constantFrom(...PINS),
  rows: fc.array(row, { maxLength: 3 }),
  upload: fc.option(
    fc.record({ doneBytes: fc.nat(2000), totalBytes: fc.constantFrom(0, 1000, 2000) }),
    { nil: undefined },
  ),
  isDownloading: fc.boolean(),
  isConflict: fc.boolean(),
  isBeingWritten: fc.boolean(),
  openSentence: fc.constantFrom(undefined, 'Vi has it open; it is sent when it is closed.'),
  connectivity: fc.constantFrom(...CONNECTIVITIES),
  isPaused: fc.boolean(),
  meanwhile: fc.constantFrom(undefined, 'changed' as const, 'deleted' as const),
  storage: fc.constantFrom(undefined, 'archived' as const, 'restoring' as const),
  archiveSentence: fc.constantFrom(undefined, 'It is archived.'),
  listedMs: fc.constantFrom(0, NOW_MS - 5_000, NOW_MS - 3_600_000),
})

const waiting: RowFact = {
  state: 'waiting',
  op: 'put',
  readyMs: NOW_MS - 1,
  attempts: 0,
  errorCode: undefined,
}

describe('The state of a file', () => {
  test('invariant 2: uploading and downloading are only said of a file with a transfer', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { badge, change } = fileState(given)
        if (badge === 'uploading') expect(given.upload).toBeDefined()
        if (badge === 'uploading') expect(given.connectivity).toBe('online')
        if (badge === 'uploading') expect(given.rows.length).toBeGreaterThan(0)
        if (badge === 'downloading') expect(given.isDownloading).toBe(true)
        if (change.value === 'uploading') expect(change.percent).toBeDefined()
      }),
    )
  })

  test('invariant 5: what is not clean has a reason, a next try and something to do', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const state = fileState(given)
        if (state.change.value === 'clean') return
        expect(state.reason).toMatch(/^[A-Z].*\.$/)
        expect(state.nextTry).toBeDefined()
        expect(state.actions.length).toBeGreaterThan(0)
      }),
    )
  })

  test('nothing that waits is called clean, and nothing that is here in part is called here', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const state = fileState(given)
        const isSettled = given.rows.length === 0 && !given.isBeingWritten && !given.isConflict
        if (!given.isLocalOnly) expect(state.change.value === 'clean').toBe(isSettled)
        if (state.badge === 'local') expect(given.hereBytes).toBeGreaterThanOrEqual(given.sizeBytes)
        if (state.content.percent === 100) expect(state.content.value).toBe('local')
        if (given.rows.some((one) => one.state === 'failed') && !given.isLocalOnly) {
          expect(state.badge).toBe('failed')
        }
      }),
    )
  })

  test('the badge is the first of the list that holds', () => {
    const cases: ReadonlyArray<readonly [Partial<FileFacts>, string]> = [
      [{ rows: [{ ...waiting, state: 'failed' }], isConflict: true }, 'failed'],
      [{ isConflict: true, rows: [waiting] }, 'conflict'],
      [{ rows: [waiting], upload: { doneBytes: 1, totalBytes: 9 } }, 'uploading'],
      [{ rows: [waiting], upload: { doneBytes: 9, totalBytes: 9 } }, 'uploading'],
      [{ isDownloading: true, pin: 'pinned' }, 'downloading'],
      [{ rows: [waiting] }, 'waiting'],
      [{ isBeingWritten: true }, 'waiting'],
      [{ storage: 'archived', pin: 'pinned' }, 'archived'],
      [{ storage: 'archived', hereBytes: 1000 }, 'local'],
      [{ pin: 'inherited', hereBytes: 10 }, 'pinned'],
      [{ pin: 'excluded', hereBytes: 10 }, 'partial'],
      [{ hereBytes: 1000 }, 'local'],
      [{}, 'cloud'],
      [{ isLocalOnly: true, rows: [waiting] }, 'none'],
    ]
    for (const [given, badge] of cases) {
      expect(fileState({ ...PLAIN, ...given }).badge, JSON.stringify(given)).toBe(badge)
    }
  })

  test('says why a saved file is not on its way, and what would change that', () => {
    const cases: ReadonlyArray<readonly [Partial<FileFacts>, string, unknown, string]> = [
      [{ isPaused: true }, 'Uploads are paused.', { when: 'resumed' }, 'resume-uploads'],
      [{ connectivity: 'offline' }, 'no connection', { when: 'online' }, 'retry'],
      [{ connectivity: 'work-offline' }, 'works offline', { when: 'online' }, 'work-online'],
      [{ connectivity: 'needs-sign-in' }, 'access key', { when: 'signed-in' }, 'sign-in'],
      [{}, 'its turn', { atMs: NOW_MS - 1 }, 'upload-now'],
      [
        { rows: [{ ...waiting, attempts: 2, errorCode: 's3/busy', readyMs: NOW_MS + 900 }] },
        ERRORS['s3/busy'].remedy,
        { atMs: NOW_MS + 900 },
        'retry',
      ],
    ]
    for (const [given, reason, nextTry, action] of cases) {
      const state = fileState({ ...PLAIN, rows: [waiting], ...given })
      expect(state.reason).toContain(reason)
      expect(state.nextTry).toEqual(nextTry)
      expect(state.actions).toContain(action)
    }
  })

  test('what the bucket has is fresh, old, changed beside an edit, gone, or not known', () => {
    const remoteOf = (given: Partial<FileFacts>) => fileState({ ...PLAIN, ...given }).remote
    expect(remoteOf({})).toEqual({ value: 'fresh', ageMs: 5_000 })
    expect(remoteOf({ listedMs: NOW_MS - 90_000 })).toEqual({ value: 'stale', ageMs: 90_000 })
    expect(remoteOf({ connectivity: 'offline' }).value).toBe('stale')
    expect(remoteOf({ listedMs: 0 })).toEqual({ value: 'unknown' })
    expect(remoteOf({ meanwhile: 'changed' }).value).toBe('changed')
    expect(remoteOf({ meanwhile: 'deleted' }).value).toBe('deleted')
    expect(remoteOf({ storage: 'restoring' }).value).toBe('restoring')
  })

  test('every badge has a word, none of which claims to be synced; every action has a command', () => {
    for (const badge of BADGES) expect(BADGE_WORDS[badge]).not.toMatch(/sync|up to date/i)
    for (const { command } of Object.values(ACTIONS)) expect(command).toMatch(/^pail /)
  })
})

const FOLDER = {
  failed: 0,
  waiting: 0,
  pendingBytes: 0,
  conflicts: 0,
  knownFiles: 10,
  knownBytes: 1000,
  cachedBytes: 0,
  isIncomplete: false,
  uploading: 0,
  downloading: 0,
  pin: 'none' as const,
  nowMs: NOW_MS,
  listedMs: NOW_MS - 5_000,
  connectivity: 'online' as const,
}

describe('The state of a folder', () => {
  test('is its worst child, with counts', () => {
    const state = folderState({ ...FOLDER, failed: 1, waiting: 5, uploading: 2 })
    expect(state.badge).toBe('failed')
    expect(state.sentence).toBe('2 uploading, 3 waiting, 1 failed')
    expect(folderState({ ...FOLDER, conflicts: 1, waiting: 1 }).badge).toBe('conflict')
    expect(folderState({ ...FOLDER, waiting: 1 }).badge).toBe('waiting')
  })

  test('is only on this computer when all of it is known and here', () => {
    expect(folderState({ ...FOLDER, cachedBytes: 1000 }).badge).toBe('local')
    expect(folderState({ ...FOLDER, cachedBytes: 999 }).badge).toBe('partial')
    const unlisted = { ...FOLDER, cachedBytes: 1000, isIncomplete: true }
    expect(folderState(unlisted).badge).toBe('partial')
    expect(folderState({ ...unlisted, knownBytes: 0, cachedBytes: 0 }).badge).toBe('cloud')
    expect(folderState(FOLDER).badge).toBe('cloud')
  })

  test('says nothing when there is nothing to say', () => {
    const none = { failed: 0, conflicts: 0, uploading: 0, downloading: 0, waiting: 0 }
    expect(countSentence(none)).toBe('')
    expect(countSentence({ ...none, conflicts: 2, waiting: 3 })).toBe('3 waiting, 2 conflicts')
  })
})
