/**
 * The house rules that neither the compiler nor the linter holds. Each names a bad sample, and the
 * test shows that the rule fires on it: a rule that never fires protects nothing.
 */
import {
  CLOCK_EXCEPTIONS,
  findCycles,
  layerBreaks,
  layerOf,
  packageBreaks,
  SINGLE_IMPORTERS,
} from './layers.ts'
import { child, lineAt, type Node, type Source, textOf } from './source.ts'

export type Rule = {
  /** Completes "The tree …". */
  readonly name: string
  readonly find: (sources: readonly Source[]) => readonly string[]
  /** Trees that break the rule, path to text. */
  readonly badSamples: readonly Readonly<Record<string, string>>[]
}

const LINES_MAX = 500

const eachSource =
  (find: (source: Source) => Iterable<string>): Rule['find'] =>
  (sources) =>
    sources.flatMap((source) => [...find(source)])

/** A finding for each node that `says` something about. */
const eachNode =
  (says: (node: Node, source: Source) => string | undefined): Rule['find'] =>
  (sources) =>
    sources.flatMap((source) =>
      source.nodes.flatMap((node) => {
        const sentence = says(node, source)
        return sentence ? [`${source.path}:${lineAt(source.text, node.start)} ${sentence}`] : []
      }),
    )

/** `Date.now` for the member expression Date.now, else the empty string. */
function memberName(node: Node): string {
  if (node.type !== 'MemberExpression') return ''
  return `${textOf(child(node, 'object'), 'name')}.${textOf(child(node, 'property'), 'name')}`
}

const CLOCK_MEMBERS = new Set(['Date.now', 'Math.random', 'performance.now'])
const CLOCK_CALLS = new Set(['setTimeout', 'setInterval'])

function usesClock(node: Node): string | undefined {
  const member = memberName(node)
  if (CLOCK_MEMBERS.has(member)) return member
  const callee = textOf(child(node, 'callee'), 'name')
  if (node.type === 'CallExpression' && CLOCK_CALLS.has(callee)) return callee
  const isBareDate = node.type === 'NewExpression' && callee === 'Date'
  return isBareDate && Array.isArray(node.arguments) && node.arguments.length === 0
    ? 'new Date()'
    : undefined
}

const clockRule: Rule = {
  name: 'takes time and chance from engine/base/clock.ts in the engine',
  find: eachNode((node, { path }) => {
    if (!path.startsWith('engine/') || CLOCK_EXCEPTIONS.includes(path)) return undefined
    const used = usesClock(node)
    return used && `${used}: use the injected clock`
  }),
  badSamples: [
    'Date.now()',
    'Math.random()',
    'setTimeout(run, 1)',
    'setInterval(run, 1)',
    'new Date()',
  ].map((text) => ({ 'engine/sync/a.ts': text })),
}

const UNTYPED: Readonly<Record<string, string>> = {
  TSNonNullExpression: '`!`: use present(), or narrow',
  TSEnumDeclaration: 'enum: use a union, code stays erasable',
  TSParameterProperty: 'parameter property: code stays erasable',
  TSAnyKeyword: 'any: use unknown, and narrow',
}

const typesRule: Rule = {
  name: 'has no any, no `!`, no enum and no parameter property',
  find: eachNode((node) => UNTYPED[node.type]),
  badSamples: [
    { 'main/a.ts': 'export const a = (b as any).c' },
    { 'main/a.ts': 'export const a = b!.c' },
    { 'main/a.ts': 'export enum A { B }' },
    { 'main/a.ts': 'export class A { constructor(readonly b: string) {} }' },
  ],
}

/** The linter may be told that it is wrong at one place, with a reason of five words or more. */
const FORBIDDEN_COMMENT =
  /@ts-(ignore|expect-error|nocheck)|biome-ignore(?! \S+: (\S+ +){4})|\b(TODO|FIXME|XXX|HACK)\b/

const commentRule: Rule = {
  name: 'has no comment that silences a check or postpones work',
  find: eachSource(function* ({ path, comments }) {
    for (const { value, line } of comments) {
      const found = FORBIDDEN_COMMENT.exec(value)
      if (found) yield `${path}:${line} ${found[0]}`
    }
  }),
  badSamples: [
    '@ts-' + 'ignore',
    'TO' + 'DO later',
    'FIX' + 'ME',
    'biome-' + 'ignore lint: it is fine',
  ].map((comment) => ({ 'cli/a.ts': `// ${comment}\nexport const a = 1` })),
}

const TEST_NAMES = new Set(['test', 'it', 'describe'])
/** `runIf` is left: a test that this machine cannot run is counted, and fails where all must run. */
const TEST_LIMITS = new Set(['only', 'skip', 'todo', 'skipIf', 'fails'])

const skippedRule: Rule = {
  name: 'runs every test',
  find: eachNode((node, { path }) => {
    if (!path.startsWith('test/')) return undefined
    const [object = '', property = ''] = memberName(node).split('.')
    return TEST_NAMES.has(object) && TEST_LIMITS.has(property) ? `${object}.${property}` : undefined
  }),
  badSamples: [
    { 'test/a.test.ts': `test.${'only'}('a', () => {})` },
    { 'test/a.test.ts': `describe.${'skip'}('a', () => {})` },
    { 'test/a.test.ts': `it.${'skipIf'}(true)('a', () => {})` },
  ],
}

const bareErrorRule: Rule = {
  name: 'throws errors of the closed table',
  find: eachNode((node, { path }) => {
    const layer = layerOf(path)
    if (!layer || layer === 'renderer' || layer === 'preload') return undefined
    const isError = textOf(child(node, 'callee'), 'name') === 'Error'
    return node.type === 'NewExpression' && isError ? 'new Error: use PailError' : undefined
  }),
  badSamples: [{ 'engine/vfs/a.ts': "throw new Error('a')" }],
}

const defaultExportRule: Rule = {
  name: 'exports by name',
  find: eachNode((node, { path }) =>
    node.type === 'ExportDefaultDeclaration' && layerOf(path) ? 'default export' : undefined,
  ),
  badSamples: [{ 'renderer/a.tsx': 'export default 1' }],
}

const singleImporterRule: Rule = {
  name: 'imports ipcMain and ipcRenderer in one file each',
  find: (sources) =>
    SINGLE_IMPORTERS.flatMap((name) => {
      const importers = sources.filter(
        ({ path, imports }) => layerOf(path) && imports.some(({ names }) => names.includes(name)),
      )
      if (importers.length <= 1) return []
      return [`${name} is imported by ${importers.map(({ path }) => path).join(', ')}`]
    }),
  badSamples: [
    {
      'main/a.ts': "import { ipcMain } from 'electron'",
      'main/b.ts': "import { app, ipcMain } from 'electron'",
    },
  ],
}

const layerRule: Rule = {
  name: 'imports along the layer table',
  find: eachSource(layerBreaks),
  badSamples: [
    { 'engine/s3/a.ts': "import { b } from '../store/b.ts'" },
    { 'engine/base/a.ts': "import type { B } from '../vfs/b.ts'" },
    { 'renderer/a.tsx': "import { b } from '../engine/base/b.ts'" },
    { 'engine/vfs/a.ts': "export { b } from '../fuse/b.ts'" },
    { 'cli/a.ts': "type B = import('../engine/s3/b.ts').B" },
    { 'main/a.ts': "const b = await import('../test/b.ts')" },
  ],
}

const packageRule: Rule = {
  name: 'imports each package where it belongs',
  find: eachSource(packageBreaks),
  badSamples: [
    { 'shared/a.ts': "import { join } from 'node:path'" },
    { 'shared/a.ts': "import pino from 'pino'" },
    { 'engine/mounts/a.ts': "import { app } from 'electron'" },
    { 'engine/sync/a.ts': "import { DatabaseSync } from '@photostructure/sqlite'" },
    { 'engine/sync/a.ts': "import { DatabaseSync } from 'node:sqlite'" },
    { 'engine/sync/a.ts': "import { S3Client } from '@aws-sdk/client-s3'" },
    { 'engine/vfs/a.ts': "import koffi from 'koffi'" },
    { 'engine/mounts/a.ts': "import { Entry } from '@napi-rs/keyring'" },
    { 'renderer/a.ts': "import { readFileSync } from 'node:fs'" },
  ],
}

const cycleRule: Rule = {
  name: 'has no import cycle, types included',
  find: (sources) => findCycles(sources).map((cycle) => cycle.join(' -> ')),
  badSamples: [
    {
      'shared/a.ts': "import type { B } from './b.ts'",
      'shared/b.ts': "export { c } from './c.ts'",
      'shared/c.ts': "const a = await import('./a.ts')",
    },
  ],
}

const headerRule: Rule = {
  name: 'says at the top of each file what it is for',
  find: eachSource(function* ({ path, text }) {
    if (path.endsWith('.d.ts') || !layerOf(path)) return
    if (!/^(#!.*\n)?\/\*\*/.test(text)) yield `${path} has no header comment`
  }),
  badSamples: [{ 'engine/s3/a.ts': 'export const a = 1\n' }],
}

const lengthRule: Rule = {
  name: `has no file above ${LINES_MAX} lines`,
  find: eachSource(function* ({ path, lineCount }) {
    if (lineCount > LINES_MAX) yield `${path} has ${lineCount} lines: split it by noun`
  }),
  badSamples: [{ 'cli/a.ts': 'const a = 1\n'.repeat(LINES_MAX + 1) }],
}

export const RULES: readonly Rule[] = [
  layerRule,
  packageRule,
  cycleRule,
  singleImporterRule,
  clockRule,
  typesRule,
  commentRule,
  skippedRule,
  bareErrorRule,
  defaultExportRule,
  headerRule,
  lengthRule,
]
