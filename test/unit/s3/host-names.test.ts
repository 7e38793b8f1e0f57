import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { comparedName, hostOf, isRefusedName, storedName } from '../../../engine/s3/host-names.ts'
import { componentOfName, nameOfComponent } from '../../../engine/s3/keys.ts'

const SEED = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = { seed: SEED, numRuns: 3000 }

/** Text near the rules of Windows. */
const awkward = fc
  .array(
    fc.oneof(
      fc.constantFrom('con', 'AUX', 'lpt1', 'com\u00b2', '.', ' ', ':', '\\', '*', '?', '%', '#'),
      fc.constantFrom('~pail~', '\u0001', 'x', '.txt', '/', '\0', '\ud800', 'x'.repeat(120)),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

describe(`Names on other hosts (seed ${SEED})`, () => {
  test.each(['linux', 'darwin', 'win32'] as const)(
    'every component has a name that %s takes, and that leads back to it',
    (host) => {
      fc.assert(
        fc.property(awkward, awkward, (one, other) => {
          const { name, isExact } = nameOfComponent(one, host)
          expect(isRefusedName(name, host)).toBe(false)
          if (isExact) expect(componentOfName(name, host)).toBe(one)
          if (one !== other) expect(nameOfComponent(other, host).name).not.toBe(name)
        }),
        RUNS,
      )
    },
  )

  test.each([
    ['con', '~pail~con'],
    ['aux.txt', '~pail~aux.txt'],
    ['COM1 .log', '~pail~COM1 .log'],
    ['a:b', '~pail~a%3Ab'],
    ['C:\\x', '~pail~C%3A%5Cx'],
    ['end.', '~pail~end%2E'],
    ['end ', '~pail~end%20'],
    ['tab\t', '~pail~tab%09'],
  ])('%j is shown as %j on Windows, and as itself elsewhere', (component, name) => {
    expect(nameOfComponent(component, 'win32').name).toBe(name)
    expect(nameOfComponent(component, 'linux').name).toBe(component)
    expect(nameOfComponent(component, 'darwin').name).toBe(component)
  })

  test.each(['console', 'com', 'com10', 'nul-1', 'a.con', '.hidden', 'a b.c'])(
    '%j is an ordinary name on Windows',
    (name) => expect(isRefusedName(name, 'win32')).toBe(false),
  )

  test('are compared as the host does', () => {
    expect(comparedName('caf\u00e9', 'darwin')).toBe(comparedName('CAFE\u0301', 'darwin'))
    expect(comparedName('\u212b', 'darwin')).toBe(comparedName('A\u030a', 'darwin'))
    expect(comparedName('\u1112\u1161\u11ab', 'darwin')).toBe(comparedName('\ud55c', 'darwin'))
    expect(comparedName('README', 'win32')).toBe(comparedName('readme', 'win32'))
    expect(comparedName('README', 'linux')).not.toBe(comparedName('readme', 'linux'))
    expect(comparedName('caf\u00e9', 'linux')).not.toBe(comparedName('cafe\u0301', 'linux'))
  })

  test('are stored composed, except by Linux, to which the two forms are two files', () => {
    expect(storedName('cafe\u0301', 'darwin')).toBe('caf\u00e9')
    expect(storedName('cafe\u0301', 'win32')).toBe('caf\u00e9')
    expect(storedName('cafe\u0301', 'linux')).toBe('cafe\u0301')
    expect([hostOf('darwin'), hostOf('win32'), hostOf('freebsd')]).toEqual([
      'darwin',
      'win32',
      'linux',
    ])
  })
})
