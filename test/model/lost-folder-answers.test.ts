/**
 * Goal: as in lost-answers.test.ts, for all requests of the rename of a folder.
 */
import { describe, expect, test } from 'vitest'
import {
  continuationsOf,
  ENDS,
  inTurns,
  type LostAnswer,
  loseAnswer,
} from '../support/lost-answer.ts'

type Matrix = {
  readonly what: string
  readonly of: Omit<LostAnswer, 'then' | 'isKilled' | 'hasOpaqueEtags'>
  readonly continuations: ReadonlyArray<readonly string[]>
}

const FOLDER = {
  before: { 'd/a': 'first', 'd/b': 'second', 'd/s/c': 'third', z: 'z' },
  cause: ['rename d e'],
}
const AFTER_FOLDER: ReadonlyArray<readonly string[]> = [
  [],
  ['rename e f'],
  ['rename e d'],
  ['rename e f', 'rename f e'],
  ['rename e f', 'mkdir e', 'write e/a other'],
  ['rename e d', 'mkdir e', 'write e/a other'],
  ['rename e d', 'unlink d/a'],
  ['mkdir d'],
  ['mkdir d', 'write d/a other'],
  ['unlink e/a'],
  ['unlink e/a', 'write e/a other'],
  ['unlink e/a', 'rename e f'],
  ['rename e/a e/x'],
  ['rename e/a e/x', 'rename e f'],
  ['rename e/a x'],
  ['rename e/a x', 'rename e f'],
  ['write e/a other'],
  ['append e/a more'],
  ['append e/a more', 'rename e f'],
  ['append e/a more', 'rename e d'],
  ['rename e/b e/a'],
  ['rename z e/a'],
  ['rename e/s t'],
  ['rename e/s t', 'rename e d'],
  ['chmod e/a 600'],
  ['unlink e/a', 'unlink e/b', 'unlink e/s/c', 'rmdir e/s', 'rmdir e'],
  ['unlink e/a', 'unlink e/b', 'unlink e/s/c', 'rmdir e/s', 'rmdir e', 'mkdir e', 'mkdir e/s'],
  [
    'unlink e/a',
    'unlink e/b',
    'unlink e/s/c',
    'rmdir e/s',
    'rmdir e',
    'mkdir d',
    'write d/a other',
  ],
  ['unlink e/a', 'unlink e/b', 'unlink e/s/c', 'rmdir e/s', 'rename e f'],
]

const MARKED = {
  prepare: [
    'mkdir d',
    'mkdir d/s',
    'write d/a first',
    'write d/b second',
    'write d/s/c third',
    'write z z',
  ],
  cause: ['rename d e'],
}

const EMPTY = { prepare: ['mkdir d'], cause: ['rename d e'] }
const AFTER_EMPTY: ReadonlyArray<readonly string[]> = [
  [],
  ['rename e f'],
  ['rename e d'],
  ['rename e d', 'mkdir e'],
  ['rename e d', 'mkdir e', 'write e/a other'],
  ['rename e d', 'rename d e'],
  ['rename e d', 'rename d f'],
  ['rename e d', 'rmdir d'],
  ['rmdir e'],
  ['rmdir e', 'mkdir e'],
]

const ONE_FILE = { before: { 'd/a': 'first', z: 'z' }, cause: ['rename d e'] }
const AFTER_ONE_FILE: ReadonlyArray<readonly string[]> = [
  ['rename e d'],
  ['rename e d', 'mkdir e', 'write e/a other'],
  ['rename e d', 'mkdir e', 'write e/a first'],
  ['rename e d', 'mkdir e', 'rename z e/a'],
  ['rename e d', 'append d/a more'],
  ['rename e d', 'append d/a more', 'rename d e'],
  ['rename e d', 'rename d e'],
  ['rename e d', 'rename d/a d/b'],
  ['rename e d', 'unlink d/a'],
  ['rename e d', 'unlink d/a', 'rmdir d'],
]

/** The upload waits a little longer than the move, and was asked for before. */
const CHANGED = { ...ONE_FILE, cause: ['append d/a more', 'rename d e'] }
const AFTER_CHANGED: ReadonlyArray<readonly string[]> = [
  [],
  ['append e/a more'],
  ['write e/a first'],
  ['chmod e/a 600'],
  ['rename e d'],
  ['rename e f'],
  ['rename e/a e/x'],
  ['rename e/a e/x', 'write e/a other'],
  ['rename z e/a'],
  ['unlink e/a'],
  ['unlink e/a', 'write e/a other'],
]

const FOLDER_MOVE: readonly Matrix[] = [
  {
    what: 'the first copy of a renamed folder',
    of: { ...FOLDER, lost: { operation: 'copy', nth: 1 } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the last copy of a renamed folder',
    of: { ...FOLDER, lost: { operation: 'copy', key: 'e/s/c' } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the deletion of what a renamed folder had before',
    of: { ...FOLDER, lost: { operation: 'deleteBatch' } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the new own object of a renamed folder',
    of: { ...MARKED, lost: { operation: 'put', key: 'e/' } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the new own object of a folder in a renamed one',
    of: { ...MARKED, lost: { operation: 'put', key: 'e/s/' } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the deletion of what a renamed folder with an own object had before',
    of: { ...MARKED, lost: { operation: 'deleteBatch' } },
    continuations: AFTER_FOLDER,
  },
  {
    what: 'the new own object of an empty renamed folder',
    of: { ...EMPTY, lost: { operation: 'put', key: 'e/' } },
    continuations: AFTER_EMPTY,
  },
  {
    what: 'the only copy of a renamed folder',
    of: { ...ONE_FILE, lost: { operation: 'copy' } },
    continuations: AFTER_ONE_FILE,
  },
  {
    what: 'the copy of a changed file in a renamed folder',
    of: { ...CHANGED, lost: { operation: 'copy' } },
    continuations: AFTER_CHANGED,
  },
]

describe.each(ENDS)('$how, when the answer is lost to', ({ isKilled }) => {
  describe.each(FOLDER_MOVE)('$what', ({ of, continuations }) => {
    test.each(continuationsOf(continuations))(
      'and programs do: $how, everything is where it belongs, alone',
      async ({ then }) => {
        const problems = await loseAnswer({ ...of, then, isKilled })
        expect(problems, problems.join('; ')).toEqual([])
      },
    )
  })
})

describe('Where ETags say nothing, when the answer is lost to', () => {
  describe.each(FOLDER_MOVE.slice(0, 1))('$what', ({ of, continuations }) => {
    test.each(inTurns(continuations))(
      'and programs do: $how, everything is where it belongs, alone',
      async ({ then, isKilled }) => {
        const problems = await loseAnswer({ ...of, then, isKilled, hasOpaqueEtags: true })
        expect(problems, problems.join('; ')).toEqual([])
      },
    )
  })
})
