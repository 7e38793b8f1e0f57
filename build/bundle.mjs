/**
 * Bundles the processes: esbuild for everything that runs in Node, Vite for the window.
 *
 * Owns: dist/. Keeps: nothing is rebuilt while no source changed; a part that is not there yet is
 * left out. Native packages stay outside the bundles: they find their binaries by their own path.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hashOf, hashOfFile, isDone, isMain, markDone, ROOT, runMain, say } from './common.mjs'

/** Bundle name to entry. `dist/<name>.cjs` is what package.json, bin/pail and main start. */
const NODE_ENTRIES = {
  main: 'main/main.ts',
  preload: 'preload/preload.ts',
  engine: 'engine/mounts/engine-process.ts',
  cli: 'cli/main.ts',
}
const NODE_SOURCES = ['shared', 'engine', 'main', 'preload', 'cli']
const RENDERER_SOURCES = ['shared', 'renderer']
const RENDERER_CONFIG = 'build/vite.config.ts'
const EXTERNAL = ['electron', 'koffi', '@photostructure/sqlite', '@napi-rs/keyring']

/** @param {string} folder */
function* filesUnder(folder) {
  const full = join(ROOT, folder)
  if (!existsSync(full)) return
  for (const item of readdirSync(full, { withFileTypes: true, recursive: true })) {
    if (item.isFile()) yield join(item.parentPath ?? item.path, item.name)
  }
}

/**
 * Changes when any source, dependency or build setting changes.
 * @param {readonly string[]} folders
 */
function fingerprint(folders) {
  const parts = [hashOfFile('package-lock.json'), hashOfFile('package.json')]
  parts.push(hashOfFile('build/bundle.mjs'), hashOfFile(RENDERER_CONFIG))
  for (const path of folders.flatMap((folder) => [...filesUnder(folder)]).sort()) {
    const facts = statSync(path)
    parts.push(`${path} ${facts.size} ${facts.mtimeMs}`)
  }
  return hashOf(...parts)
}

async function bundleNode() {
  const entries = Object.entries(NODE_ENTRIES).filter(([, path]) => existsSync(join(ROOT, path)))
  if (entries.length === 0) return
  const key = fingerprint(NODE_SOURCES)
  const isBuilt = entries.every(([name]) => existsSync(join(ROOT, 'dist', `${name}.cjs`)))
  if (isBuilt && isDone('bundle-node', key)) return
  const { build } = await import('esbuild')
  mkdirSync(join(ROOT, 'dist'), { recursive: true })
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(entries),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.18',
    external: EXTERNAL,
    sourcemap: true,
    logLevel: 'warning',
  })
  markDone('bundle-node', key)
  say(`bundled ${entries.map(([name]) => name).join(', ')}`)
}

async function bundleRenderer() {
  if (!existsSync(join(ROOT, RENDERER_CONFIG))) return
  const key = fingerprint(RENDERER_SOURCES)
  if (existsSync(join(ROOT, 'dist/renderer')) && isDone('bundle-renderer', key)) return
  const { build } = await import('vite')
  await build({ configFile: join(ROOT, RENDERER_CONFIG), logLevel: 'warn' })
  markDone('bundle-renderer', key)
  say('bundled the window')
}

/** Brings dist/ up to date. */
export async function bundle() {
  await bundleNode()
  await bundleRenderer()
}

if (isMain(import.meta.url)) await runMain(bundle)
