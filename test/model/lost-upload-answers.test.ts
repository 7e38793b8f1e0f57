/**
 * Goal: as in lost-answers.test.ts, for the rewrite of attributes and the end of an upload in parts.
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

const LARGE_BYTES = 17_000_000
const OTHERS: readonly Matrix[] = [
  {
    what: 'the rewrite of attributes',
    of: {
      before: { 'd/a': 'first', 'd/z': 'z' },
      cause: ['chmod d/a 600'],
      lost: { operation: 'copy', key: 'd/a' },
    },
    continuations: [
      [],
      ['chmod d/a 640'],
      ['rename d/a d/b'],
      ['rename d/a d/b', 'write d/a other'],
      ['unlink d/a'],
      ['unlink d/a', 'write d/a other'],
      ['write d/a other'],
      ['append d/a more'],
      ['rename d e'],
      ['rename d e', 'unlink e/a'],
      ['rename d/z d/a'],
      ['rename d/a d/z'],
    ],
  },
  {
    what: 'the end of an upload in parts',
    of: {
      before: { 'd/z': 'z' },
      cause: [`large d/a ${LARGE_BYTES}`],
      lost: { operation: 'completeMultipart', key: 'd/a' },
    },
    continuations: [
      [],
      ['rename d/a d/b'],
      ['rename d/a d/b', 'unlink d/b'],
      ['rename d/a d/b', 'write d/a other'],
      ['unlink d/a'],
      ['unlink d/a', 'write d/a other'],
      ['write d/a other'],
      ['append d/a more'],
      ['rename d e'],
      ['rename d e', 'unlink e/a'],
    ],
  },
]

describe.each(ENDS)('$how, when the answer is lost to', ({ isKilled }) => {
  describe.each(OTHERS)('$what', ({ of, continuations }) => {
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
  describe.each(OTHERS)('$what', ({ of, continuations }) => {
    test.each(inTurns(continuations))(
      'and programs do: $how, everything is where it belongs, alone',
      async ({ then, isKilled }) => {
        const problems = await loseAnswer({ ...of, then, isKilled, hasOpaqueEtags: true })
        expect(problems, problems.join('; ')).toEqual([])
      },
    )
  })
})
