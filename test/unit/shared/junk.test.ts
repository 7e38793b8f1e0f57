import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JUNK_DEFAULTS, JunkPattern, matchesPattern } from '../../../shared/junk.ts'

const SEED = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 2 ** 31))
const isJunk = (name: string) => JUNK_DEFAULTS.some((pattern) => matchesPattern(name, pattern))

/** What a pattern means, said with a regular expression. */
function expected(name: string, pattern: string): boolean {
  const source = [...pattern]
    .map((one) =>
      one === '*' ? '.*' : one === '?' ? '.' : one.replace(/[\\^$.|+()[\]{}]/, '\\$&'),
    )
    .join('')
  return new RegExp(`^${source}$`, 'isu').test(name)
}

describe(`Patterns of junk (seed ${SEED})`, () => {
  test('mean what wildcards mean', () => {
    const text = fc.array(fc.constantFrom('a', 'B', 'b', '.', '_', '*', '?', '[', '\\'), {
      maxLength: 10,
    })
    fc.assert(
      fc.property(text, text, (name, pattern) => {
        const [one, other] = [name.join(''), pattern.join('')]
        expect(matchesPattern(one, other)).toBe(expected(one, other))
      }),
      { seed: SEED, numRuns: 5000 },
    )
  })

  test('take no long time for a hostile name', () => {
    const stars = `${'a*'.repeat(100)}b`
    expect(matchesPattern('a'.repeat(255), stars)).toBe(false)
  })

  test('are for one name, and never for all of them', () => {
    for (const bad of ['', 'a/b', '*', '**', '?', '*?', 'a\0']) {
      expect(JunkPattern.safeParse(bad).success, bad).toBe(false)
    }
    for (const good of ['.DS_Store', '._*', '*.tmp', '~$*']) {
      expect(JunkPattern.safeParse(good).success, good).toBe(true)
    }
  })
})

describe('The list that Pail comes with', () => {
  test.each(['.DS_Store', '._report.pdf', 'Thumbs.db', 'thumbs.db', 'Desktop.ini', '.directory'])(
    'has %s',
    (name) => expect(isJunk(name)).toBe(true),
  )

  test.each(['.fuse_hidden0000001f00000002', '.nfs00000000012a4f0500000001', '.Spotlight-V100'])(
    'has %s',
    (name) => expect(isJunk(name)).toBe(true),
  )

  test.each([
    'report.tmp',
    'data.part',
    'a.lck',
    '~$letter.docx',
    '.Trash-1000',
    '$RECYCLE.BIN',
    '.nfsrc',
    '.gitignore',
    '_x',
    '.hidden',
    'DS_Store',
  ])('has not %s, which somebody may want back', (name) => expect(isJunk(name)).toBe(false))
})
