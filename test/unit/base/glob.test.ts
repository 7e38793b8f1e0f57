import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globToRegExp, splitGlob } from '../../../engine/base/glob.ts'

const matches = (glob: string, path: string) => globToRegExp(glob).test(path)

describe('A pattern', () => {
  test.each<[string, string, boolean]>([
    ['*.csv', 'a.csv', true],
    ['*.csv', 'a.csv.part', false],
    ['*.csv', 'out/a.csv', false],
    ['**/*.csv', 'out/deep/a.csv', true],
    ['**/*.csv', 'a.csv', true],
    ['run-?/result.txt', 'run-7/result.txt', true],
    ['run-?/result.txt', 'run-77/result.txt', false],
    ['[a-c]*', 'b1', true],
    ['[!a-c]*', 'b1', false],
    ['[]x]', ']', true],
    ['*.{csv,json}', 'a.json', true],
    ['*.{csv,json}', 'a.txt', false],
    ['a.b', 'axb', false],
    ['größe 🪣 (1)*', 'größe 🪣 (1).txt', true],
    ['a,b', 'a,b', true],
  ])('%s against %s', (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected)
  })

  test('splits into what is plain and what is not', () => {
    expect(splitGlob('/m/out/*.csv')).toEqual({ plain: '/m/out', glob: '*.csv' })
    expect(splitGlob('/m/*/out/x')).toEqual({ plain: '/m', glob: '*/out/x' })
    expect(splitGlob('/m/done.txt')).toEqual({ plain: '/m', glob: 'done.txt' })
  })

  test('that is not closed, or runs backwards, is refused by name', () => {
    for (const glob of ['[a', '{a,b', 'a}', '[z-a]']) {
      expect(() => globToRegExp(glob), glob).toThrow(/pattern cannot be used/)
    }
  })

  test('without special characters matches itself and nothing else', () => {
    const name = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => !/[*?[{}/]/.test(text))
    fc.assert(
      fc.property(name, name, (glob, other) => {
        expect(matches(glob, glob)).toBe(true)
        if (other !== glob) expect(matches(glob, other)).toBe(false)
      }),
    )
  })
})
