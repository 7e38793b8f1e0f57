/**
 * Holds the house rules over the whole tree, and shows that each of them can fail.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LAYERS, SINGLE_IMPORTERS } from './tidy/layers.ts'
import { RULES } from './tidy/rules.ts'
import { sizeHint } from './tidy/sizes.ts'
import { parseSource } from './tidy/source.ts'
import { BAD_TEXTS, textBreaks } from './tidy/texts.ts'

const ROOT = dirname(import.meta.dirname)
const LONGEST_SHOWN = 8

const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: ROOT })
const paths = listed
  .toString()
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))
const sources = paths
  .filter((path) => /\.(ts|tsx|mjs|cjs)$/.test(path))
  .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')))

describe('The tree', () => {
  test('is not empty', () => {
    expect(sources.length).toBeGreaterThan(20)
  })

  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_, { find }) => {
    expect(find(sources)).toEqual([])
  })

  test.each(Object.entries(LAYERS))('tells the compiler what %s may import', (layer, allowed) => {
    const config = JSON.parse(readFileSync(join(ROOT, layer, 'tsconfig.json'), 'utf8'))
    const references: string[] = config.references.map((one: { path: string }) =>
      normalize(join(layer, one.path)),
    )
    expect(references.sort()).toEqual([...allowed].sort())
  })

  test.each(SINGLE_IMPORTERS)('imports %s, in its one place', (name) => {
    const importers = sources.filter(({ imports }) =>
      imports.some(({ names }) => names.includes(name)),
    )
    expect(importers.map(({ path }) => path)).toHaveLength(1)
  })

  test('names no machine and no registry', () => {
    const texts = paths.filter((path) => !/\.(png|jpg|ico|icns|bin)$/.test(path))
    const breaks = texts.flatMap((path) => textBreaks(path, readFileSync(join(ROOT, path), 'utf8')))
    expect(breaks).toEqual([])
  })

  test('has these longest files and functions', () => {
    const hint = sizeHint(sources, LONGEST_SHOWN)
    process.stdout.write(`${hint}\n`)
    expect(hint).toContain('longest functions')
  })
})

describe('A bad sample', () => {
  const samples = RULES.flatMap(({ name, find, badSamples }) =>
    badSamples.map((tree) => [name, Object.values(tree)[0]?.slice(0, 60), find, tree] as const),
  )

  test.each(samples)('makes the rule fire that a tree %s: %s', (_, __, find, tree) => {
    const bad = Object.entries(tree).map(([path, text]) => parseSource(path, text))
    expect(find(bad).length).toBeGreaterThan(0)
  })

  test('stands beside every rule', () => {
    expect(RULES.filter(({ badSamples }) => badSamples.length === 0)).toEqual([])
  })

  test.each(BAD_TEXTS)('in %s is found: %s', (path, text) => {
    expect(textBreaks(path, text)).toHaveLength(1)
  })
})
