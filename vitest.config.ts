/**
 * The test projects, from the quickest to the one with the real window.
 *
 * unit, tidy: no network, no FUSE, part of `npm run check`. contract: object stores, memory and a
 * real server. model, crash: random histories and cut power. mount: the kernel. faults: a network
 * that fails. e2e: the window. conformance: suites of others, by `npm run conformance` alone.
 */
import { defineConfig } from 'vitest/config'

// Reads of /dev/fuse block pool threads: test processes inherit what an engine is started with.
process.env.UV_THREADPOOL_SIZE ??= '16'

const SECOND = 1000

type Project = {
  readonly name: string
  readonly include: string[]
  readonly timeoutMs: number
  /** Tested one file at a time: a window, and faults that must not meet a slow machine. */
  readonly isSerial?: boolean
  readonly environment?: 'node' | 'happy-dom'
  readonly exclude?: string[]
}

const RENDERER_TESTS = 'test/unit/renderer/**/*.test.{ts,tsx}'

const PROJECTS: readonly Project[] = [
  {
    name: 'unit',
    include: ['test/unit/**/*.test.{ts,tsx}'],
    exclude: [RENDERER_TESTS],
    timeoutMs: 20 * SECOND,
  },
  {
    name: 'renderer',
    include: [RENDERER_TESTS],
    timeoutMs: 30 * SECOND,
    environment: 'happy-dom',
  },
  { name: 'tidy', include: ['test/tidy.test.ts'], timeoutMs: 60 * SECOND },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], timeoutMs: 120 * SECOND },
  { name: 'model', include: ['test/model/**/*.test.ts'], timeoutMs: 300 * SECOND },
  // All pairs of operations, twice: minutes where the processor is shared.
  { name: 'crash', include: ['test/crash/**/*.test.ts'], timeoutMs: 600 * SECOND },
  {
    name: 'mount',
    include: ['test/mount/**/*.test.ts'],
    timeoutMs: 300 * SECOND,
  },
  {
    name: 'faults',
    include: ['test/faults/**/*.test.ts'],
    timeoutMs: 300 * SECOND,
    isSerial: true,
  },
  {
    name: 'conformance',
    include: ['test/conformance/**/*.test.ts'],
    timeoutMs: 7200 * SECOND,
    isSerial: true,
  },
  { name: 'e2e', include: ['test/e2e/**/*.test.ts'], timeoutMs: 300 * SECOND, isSerial: true },
]

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: PROJECTS.map((project) => ({
      test: {
        name: project.name,
        include: project.include,
        exclude: ['**/node_modules/**', ...(project.exclude ?? [])],
        environment: project.environment ?? 'node',
        pool: 'forks',
        fileParallelism: project.isSerial !== true,
        testTimeout: project.timeoutMs,
        hookTimeout: project.timeoutMs,
        teardownTimeout: 30 * SECOND,
        allowOnly: false,
      },
    })),
  },
})
