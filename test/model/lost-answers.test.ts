/**
 * Goal: a request that the bucket carried out, though its answer was lost, brings nothing back under a
 *       name that programs gave up meanwhile, and is never taken for somebody else's.
 * Method: each kind of request that changes the bucket loses its answer, and the network goes; programs
 *         go on, with and without a crash; the network comes back. In the end the folder, and another
 *         computer that looks at the bucket, have what programs made.
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

const FILES = { 'd/z': 'z' }

const MARKERS: readonly Matrix[] = [
  {
    what: "a new folder's own object",
    of: { cause: ['mkdir n'], lost: { operation: 'put', key: 'n/' } },
    continuations: [
      ['rmdir n'],
      ['rename n m'],
      ['rename n m', 'rmdir m'],
      ['rename n m', 'rename m n'],
      ['rename n m', 'rename m n', 'rmdir n'],
      ['rename n m', 'mkdir n'],
      ['rename n m', 'mkdir n', 'rmdir n'],
      ['rename n m', 'write n file'],
      ['rmdir n', 'mkdir n'],
      ['rmdir n', 'mkdir n', 'rename n m'],
      ['rmdir n', 'write n file'],
      ['write n/a text', 'rename n m'],
      ['write n/a text', 'unlink n/a', 'rmdir n'],
    ],
  },
  {
    what: 'the own object of a new folder in another one that has files',
    of: { before: FILES, cause: ['mkdir d/n'], lost: { operation: 'put', key: 'd/n/' } },
    continuations: [
      ['rename d e'],
      ['rename d e', 'rmdir e/n'],
      ['rename d e', 'rename e/n m'],
      ['rmdir d/n', 'rename d e'],
      ['rename d/n d/m', 'rename d e'],
      ['rename d e', 'rename e d'],
      ['rename d e', 'mkdir d', 'mkdir d/n'],
      ['rmdir d/n', 'unlink d/z', 'rmdir d'],
      ['rename d/n m'],
    ],
  },
  {
    what: 'the own object of a new folder in a new one',
    of: {
      prepare: ['mkdir d'],
      cause: ['mkdir d/n'],
      lost: { operation: 'put', key: 'd/n/' },
    },
    continuations: [
      ['rename d e'],
      ['rename d e', 'rmdir e/n'],
      ['rmdir d/n', 'rmdir d'],
      ['rmdir d/n', 'rename d e'],
    ],
  },
  {
    what: 'the own object of a folder whose last file was removed',
    of: { before: FILES, cause: ['unlink d/z'], lost: { operation: 'put', key: 'd/' } },
    continuations: [
      ['rmdir d'],
      ['rename d e'],
      ['rename d e', 'rmdir e'],
      ['rename d e', 'mkdir d'],
      ['write d/z new'],
      ['rmdir d', 'mkdir d', 'write d/z new'],
    ],
  },
]

const FILE = { before: { 'd/a': 'first', 'd/z': 'z' }, cause: ['rename d/a d/b'] }
const AFTER_FILE: ReadonlyArray<readonly string[]> = [
  [],
  ['rename d/b d/c'],
  ['rename d/b d/a'],
  ['rename d/b d/c', 'rename d/c d/b'],
  ['rename d/b d/c', 'unlink d/c'],
  ['rename d/b d/c', 'write d/b other'],
  ['rename d/b d/a', 'write d/b other'],
  ['rename d/b d/a', 'unlink d/a'],
  ['unlink d/b'],
  ['unlink d/b', 'write d/b other'],
  ['unlink d/b', 'write d/a other'],
  ['write d/a other'],
  ['write d/a other', 'rename d/a d/b'],
  ['write d/b other'],
  ['append d/b more'],
  ['append d/b more', 'rename d/b d/c'],
  ['append d/b more', 'rename d/b d/a'],
  ['append d/b more', 'unlink d/b'],
  ['rename d/z d/b'],
  ['rename d/b d/z'],
  ['rename d e'],
  ['rename d e', 'rename e/b e/c'],
  ['rename d e', 'unlink e/b'],
  ['rename d/b d/c', 'rename d e'],
  ['unlink d/b', 'rename d e'],
  ['rename d/b d/a', 'rename d e'],
  ['unlink d/b', 'unlink d/z', 'rmdir d'],
  ['chmod d/b 600'],
  ['mkdir d/a', 'write d/a/x inner'],
  ['unlink d/b', 'mkdir d/b'],
]

const MOVES: readonly Matrix[] = [
  {
    what: 'the copy of a renamed file',
    of: { ...FILE, lost: { operation: 'copy', key: 'd/b' } },
    continuations: AFTER_FILE,
  },
  {
    what: 'the deletion of what a renamed file was called before',
    of: { ...FILE, lost: { operation: 'deleteBatch' } },
    continuations: AFTER_FILE.filter((_, at) => at % 3 === 0),
  },
  {
    what: 'the copy of a file that was renamed over another',
    of: {
      before: { 'd/a': 'first', 'd/b': 'second', 'd/z': 'z' },
      cause: ['rename d/a d/b'],
      lost: { operation: 'copy', key: 'd/b' },
    },
    continuations: AFTER_FILE,
  },
  {
    what: 'the deletion of a file',
    of: {
      before: { 'd/a': 'first', 'd/z': 'z' },
      cause: ['unlink d/a'],
      lost: { operation: 'delete', key: 'd/a' },
    },
    continuations: [
      [],
      ['write d/a other'],
      ['write d/a first'],
      ['rename d e'],
      ['rename d/z d/a'],
      ['mkdir d/a'],
      ['write d/a other', 'rename d e'],
      ['unlink d/z', 'rmdir d'],
    ],
  },
]

describe.each(ENDS)('$how, when the answer is lost to', ({ isKilled }) => {
  describe.each([...MARKERS, ...MOVES])('$what', ({ of, continuations }) => {
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
  describe.each(MOVES)('$what', ({ of, continuations }) => {
    test.each(inTurns(continuations))(
      'and programs do: $how, everything is where it belongs, alone',
      async ({ then, isKilled }) => {
        const problems = await loseAnswer({ ...of, then, isKilled, hasOpaqueEtags: true })
        expect(problems, problems.join('; ')).toEqual([])
      },
    )
  })
})
