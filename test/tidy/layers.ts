/**
 * Who may import whom. The tsconfig of each layer says the same to the compiler.
 */
import type { Source } from './source.ts'

/** Layer to the layers it may use, besides itself. Longest folder wins. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  'engine/base': ['shared'],
  'engine/s3': ['shared', 'engine/base'],
  'engine/store': ['shared', 'engine/base'],
  'engine/sync': ['shared', 'engine/base', 'engine/s3', 'engine/store'],
  'engine/vfs': ['shared', 'engine/base', 'engine/s3', 'engine/store', 'engine/sync'],
  'engine/fuse': ['shared', 'engine/base', 'engine/vfs'],
  'engine/mounts': [
    'shared',
    'engine/base',
    'engine/s3',
    'engine/store',
    'engine/sync',
    'engine/vfs',
    'engine/fuse',
  ],
  preload: ['shared'],
  renderer: ['shared'],
  main: ['shared', 'engine/base', 'engine/mounts'],
  cli: ['shared', 'engine/base', 'engine/mounts'],
}

export const layerOf = (path: string): string | undefined =>
  Object.keys(LAYERS).find((layer) => path.startsWith(`${layer}/`))

/** A package, to the only places that may import it. A place is a file, or a folder ending in `/`. */
type PackageRule = { readonly name: RegExp; readonly places: readonly string[] }

/** Tests, benchmarks and build scripts may use any package. */
const TOOLS = ['test/', 'bench/', 'build/', 'demo/', 'vitest.config.ts']

export const PACKAGE_RULES: readonly PackageRule[] = [
  { name: /^node:/, places: [...TOOLS, 'engine/', 'main/', 'cli/'] },
  { name: /^electron$/, places: [...TOOLS, 'main/', 'preload/'] },
  {
    name: /^(node:sqlite|@photostructure\/sqlite)$/,
    places: ['test/', 'engine/store/database.ts'],
  },
  {
    name: /^koffi$/,
    places: [
      'test/',
      'engine/base/file-lock.ts',
      'engine/fuse/libc.ts',
      'engine/mounts/own-process.ts',
    ],
  },
  { name: /^@(aws-sdk|smithy)\//, places: [...TOOLS, 'engine/s3/'] },
  {
    name: /^@napi-rs\/keyring$/,
    places: ['test/', 'main/keychain.ts', 'cli/stored-connections.ts'],
  },
  {
    name: /^(react|react-dom|@mantine|@tanstack|@tabler|recharts)/,
    places: ['test/', 'renderer/'],
  },
]

/** Names that only one file of the whole tree may import. */
export const SINGLE_IMPORTERS = ['ipcMain', 'ipcRenderer'] as const

/** Where time and chance may come from besides the clock, each with its reason. */
export const CLOCK_EXCEPTIONS: readonly string[] = ['engine/base/clock.ts']

const isIn = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

export function* layerBreaks(source: Source): Generator<string> {
  const layer = layerOf(source.path)
  if (layer === undefined) return
  for (const one of source.imports) {
    if (one.path === undefined) continue
    const other = layerOf(one.path)
    if (other === layer || (other !== undefined && LAYERS[layer]?.includes(other))) continue
    yield `${source.path}:${one.line} ${layer} may not import ${one.path}`
  }
}

export function* packageBreaks(source: Source): Generator<string> {
  for (const { name, line } of source.imports) {
    if (layerOf(source.path) === 'shared' && !name.startsWith('.') && name !== 'zod') {
      yield `${source.path}:${line} shared imports zod alone, not ${name}`
    }
    for (const rule of PACKAGE_RULES) {
      if (!rule.name.test(name) || isIn(source.path, rule.places)) continue
      yield `${source.path}:${line} ${name} may only be imported in ${rule.places.join(', ')}`
    }
  }
}

/** Type imports count: a cycle of types still means that neither file is understood alone. */
export function findCycles(sources: readonly Source[]): readonly (readonly string[])[] {
  const edges = new Map(
    sources.map(({ path, imports }) => [path, imports.flatMap((one) => one.path ?? [])]),
  )
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push([...trail.slice(start), path])
    if (start >= 0 || done.has(path)) return
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return cycles
}
