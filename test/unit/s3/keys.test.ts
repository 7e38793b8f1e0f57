import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  componentOfName,
  keyBytes,
  NAME_BYTES_MAX,
  nameBeside,
  nameOfComponent,
  normalizeSubpath,
} from '../../../engine/s3/keys.ts'
import { KEY_BYTES_MAX } from '../../../shared/key-bytes.ts'

const SEED = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Text near the rules' edges: marks, escapes, dots, NULs, slashes, halves of surrogate pairs. */
const awkward = fc
  .array(
    fc.oneof(
      fc.constantFrom('~pail~', '~', '#', '%', '%2E', '%u', '%00', '.', '..', '\0', '/', '\ud800'),
      fc.constantFrom('0123456789abcdef', 'é', 'e\u0301', '\u202e', ' ', 'x'.repeat(120)),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

const anyComponent = fc.oneof(fc.string({ unit: 'binary' }), awkward)

const RUNS = { seed: SEED, numRuns: 3000 }

describe(`Names of key components (seed ${SEED})`, () => {
  test('every component has a name that a directory can hold', () => {
    fc.assert(
      fc.property(anyComponent, (component) => {
        const { name } = nameOfComponent(component)
        expect(name).not.toBe('')
        expect(name).not.toBe('.')
        expect(name).not.toBe('..')
        expect(name).not.toMatch(/[/\0]/)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(NAME_BYTES_MAX)
        expect(Buffer.from(name).toString()).toBe(name)
      }),
      RUNS,
    )
  })

  test('an exact name leads back to its component', () => {
    fc.assert(
      fc.property(anyComponent, (component) => {
        const { name, isExact } = nameOfComponent(component)
        if (isExact) expect(componentOfName(name)).toBe(component)
      }),
      RUNS,
    )
  })

  test('a legal file name keeps its name through its component', () => {
    fc.assert(
      fc.property(
        anyComponent.filter((name) => isLegalName(name)),
        (name) => {
          const again = nameOfComponent(componentOfName(name))
          if (again.isExact && !name.startsWith('~pail~#')) expect(again.name).toBe(name)
        },
      ),
      RUNS,
    )
  })

  test('two components never share a name', () => {
    fc.assert(
      fc.property(anyComponent, anyComponent, (one, other) => {
        if (one !== other) expect(nameOfComponent(one).name).not.toBe(nameOfComponent(other).name)
      }),
      RUNS,
    )
  })

  test.each(['report.txt', '.hidden', '...', 'a b ', 'C:\\x', 'con', '100%', '~', '~pail', 'a#b'])(
    'the ordinary name %j stays as it is',
    (component) => {
      expect(nameOfComponent(component)).toEqual({ name: component, isExact: true })
    },
  )

  test.each([
    ['', '~pail~'],
    ['.', '~pail~%2E'],
    ['..', '~pail~%2E%2E'],
    ['a\0b', '~pail~a%00b'],
  ])('the component %j gets a visible alias', (component, name) => {
    if (component === '') expect(nameOfComponent('').name).not.toBe('')
    else expect(nameOfComponent(component)).toEqual({ name, isExact: true })
    expect(componentOfName(nameOfComponent(component).name)).toBe(component)
  })

  test('a component that looks like an alias is escaped itself', () => {
    const alias = nameOfComponent('..').name
    expect(nameOfComponent(alias)).toEqual({ name: '~pail~~pail~%252E%252E', isExact: true })
    expect(componentOfName('~pail~~pail~%252E%252E')).toBe(alias)
  })

  test('an exact alias never looks like a shortened one', () => {
    const component = '#\0~0123456789abcdef'
    const { name, isExact } = nameOfComponent(component)
    expect(isExact).toBe(true)
    expect(componentOfName(name)).toBe(component)
  })

  test('what cannot have its own name gets one beside it, another for each count, never too long', () => {
    fc.assert(
      fc.property(anyComponent, fc.integer({ min: 1, max: 99 }), (component, count) => {
        const { name } = nameOfComponent(component)
        const beside = nameBeside(name, count)
        expect(Buffer.byteLength(beside)).toBeLessThanOrEqual(NAME_BYTES_MAX)
        expect(Buffer.from(beside).toString()).toBe(beside)
        expect(beside).not.toBe(name)
        expect(beside).not.toBe(nameBeside(name, count + 1))
      }),
      RUNS,
    )
    expect(nameBeside('a', 1)).toBe('a (object)')
    expect(nameBeside('a', 2)).toBe('a (object 2)')
  })

  test('a component above 255 bytes is shortened between characters and says so', () => {
    const long = `${'ä'.repeat(200)}`
    const { name, isExact } = nameOfComponent(long)
    expect(isExact).toBe(false)
    expect(name.startsWith('~pail~#ää')).toBe(true)
    expect(Buffer.from(name).toString()).toBe(name)
    expect(nameOfComponent(`${long}b`).name).not.toBe(name)
    expect(nameOfComponent(name).name).not.toBe(name)
  })
})

describe('Subpaths', () => {
  test.each([
    ['', ''],
    ['/', ''],
    ['a', 'a/'],
    ['/a/b', 'a/b/'],
    ['a/b/', 'a/b/'],
    ['a b+%/é', 'a b+%/é/'],
  ])('%j becomes the prefix %j', (subpath, prefix) => {
    expect(normalizeSubpath(subpath)).toBe(prefix)
  })

  test.each(['a//b', '//a', '//', 'a//', './a', 'a/../b', '..', 'a\0b', 'x'.repeat(KEY_BYTES_MAX)])(
    '%j is refused with the reason',
    (subpath) => {
      expect(() => normalizeSubpath(subpath)).toThrow(/mount\/bad-prefix: the path in the bucket/)
    },
  )

  test('a key is counted in bytes of UTF-8', () => {
    expect(keyBytes('é')).toBe(2)
  })
})

function isLegalName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return false
  if (Buffer.from(name).toString() !== name) return false
  return Buffer.byteLength(name) <= NAME_BYTES_MAX
}
