/**
 * Random histories of one mount, by the weather that they happen in.
 *
 * calm    the bucket answers at once
 * stormy  requests fail, replies are lost, the engine is killed
 * slow    programs act between the requests of one change, mostly on folders with folders in them
 * lossy   the bucket does what it is asked for, and the answer is lost; sometimes the network with it,
 *         and the engine is killed before it knows
 */
import fc from 'fast-check'
import type { History, Step } from './history.ts'

const NAMES = ['a', 'b', 'c']
const SIZES = [0, 1, 100, 4096, 65_537, 1_100_000]

const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'))
/** More often of what there is something at. */
const near = fc.oneof(fc.constantFrom(...NAMES), path)
const size = fc.constantFrom(...SIZES)

const xattrName = fc.constantFrom('user.a', 'user.b')

const CALM = [
  fc.record({
    op: fc.constant('write' as const),
    path,
    offset: fc.constantFrom(0, 0, 0, 10, 5000, 70_000),
    size,
    truncate: fc.boolean(),
  }),
  fc.record({ op: fc.constant('append' as const), path, size }),
  fc.record({ op: fc.constant('truncate' as const), path, size }),
  fc.record({
    op: fc.constant('punch' as const),
    path,
    offset: fc.constantFrom(0, 10, 5000, 70_000),
    size: fc.constantFrom(1, 100, 4096, 65_537),
  }),
  fc.record({ op: fc.constant('copy' as const), path, to: path }),
  fc.record({ op: fc.constantFrom('mkdir' as const, 'mkdir', 'unlink', 'rmdir'), path: near }),
  fc.record({ op: fc.constantFrom('read' as const, 'list'), path }),
  fc.record({ op: fc.constant('rename' as const), path, to: path }),
  fc.record({ op: fc.constant('rename' as const), path, to: path }),
  fc.record({
    op: fc.constant('symlink' as const),
    path: near,
    target: fc.constantFrom('a', '../b/c'),
  }),
  fc.record({
    op: fc.constant('chmod' as const),
    path: near,
    mode: fc.constantFrom(0o600, 0o755, 0o444, 0o1777),
  }),
  fc.record({
    op: fc.constant('utimens' as const),
    path: near,
    mtimeMs: fc.constantFrom(-1500, 0, 1_600_000_000_123),
  }),
  fc.record({ op: fc.constant('setxattr' as const), path: near, name: xattrName, size: fc.nat(2) }),
  fc.record({ op: fc.constant('removexattr' as const), path: near, name: xattrName }),
  fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(100, 600, 1500, 12_000) }),
  fc.record({ op: fc.constant('flush' as const) }),
  fc.record({ op: fc.constant('other-put' as const), path, size }),
  fc.record({ op: fc.constant('other-delete' as const), path: fc.constantFrom(...NAMES) }),
] as const
const STORMY = [
  fc.record({ op: fc.constant('kill' as const) }),
  fc.record({ op: fc.constant('storm' as const), rate: fc.constantFrom(0.05, 0.2) }),
  fc.record({ op: fc.constantFrom('calm' as const, 'slow', 'slow') }),
  fc.record({ op: fc.constant('offline' as const), ms: fc.constantFrom(500, 20_000) }),
] as const

/** Few names, so that programs mostly go on with what was under way. */
const fewFiles = fc.constantFrom('a', 'b', 'd/a', 'd/b')
const fewFolders = fc.constantFrom('d', 'e', 'd/s')
const renamedFile = fc.record({ op: fc.constant('rename' as const), path: fewFiles, to: fewFiles })
const lose = fc.record({ op: fc.constant('lose' as const) })
/** Longer than the quiet time of any change: its requests are sent. */
const sent = fc.record({
  op: fc.constant('wait' as const),
  ms: fc.constantFrom(1500, 5000, 12_000, 90_000),
})
const LOSSY = [
  fc.record({
    op: fc.constant('write' as const),
    path: fewFiles,
    offset: fc.constant(0),
    size: fc.constantFrom(0, 100, 100, 4096),
    truncate: fc.boolean(),
  }),
  fc.record({ op: fc.constant('append' as const), path: fewFiles, size: fc.constant(10) }),
  fc.record({ op: fc.constant('truncate' as const), path: fewFiles, size: fc.constant(50) }),
  renamedFile,
  renamedFile,
  fc.record({ op: fc.constant('rename' as const), path: fewFolders, to: fewFolders }),
  fc.record({ op: fc.constantFrom('mkdir' as const, 'mkdir', 'rmdir'), path: fewFolders }),
  fc.record({ op: fc.constant('unlink' as const), path: fewFiles }),
  fc.record({
    op: fc.constant('chmod' as const),
    path: fc.oneof(fewFiles, fewFolders),
    mode: fc.constantFrom(0o600, 0o755),
  }),
  fc.record({ op: fc.constant('kill' as const) }),
  fc.record({ op: fc.constant('lossy' as const), rate: fc.constantFrom(0.2, 0.5) }),
  lose,
  lose,
  sent,
  sent,
  sent,
  fc.record({ op: fc.constant('calm' as const) }),
] as const

/** Folders one and two deep, others that are there before no history, and files in all of them. */
const folder = fc.constantFrom('a', 'b', 'c', 'a/a', 'a/b', 'b/a', 'b/b', 'c/a')
const anyFolder = fc.oneof(folder, fc.constantFrom('a/a/s', 'b/b/s', 'a/s', 'b/s', 'c/s', 'c/a/s'))
const file = fc.constantFrom('a/a/x', 'a/b/x', 'a/x', 'a/y', 'b/x', 'b/a/x', 'c/x', 'c/a/y')
const PLANTED = ['a/a/x', 'a/b/x', 'a/x', 'b/x', 'b/y', 'b/s/x', 'c/a/x']
const PLANTED_BYTES = 20
/** From the quiet time of one change to the requests of a slow one. */
const pause = fc.record({
  op: fc.constant('wait' as const),
  ms: fc.constantFrom(100, 600, 1500, 2500, 3000),
})
const renamedFolder = fc.record({ op: fc.constant('rename' as const), path: folder, to: folder })
const SLOW = [
  renamedFolder,
  renamedFolder,
  renamedFolder,
  fc.record({ op: fc.constant('rename' as const), path: file, to: file }),
  fc.record({ op: fc.constant('rename' as const), path: anyFolder, to: anyFolder }),
  fc.record({
    op: fc.constant('write' as const),
    path: file,
    offset: fc.constant(0),
    size: fc.constantFrom(0, 100, 4096),
    truncate: fc.boolean(),
  }),
  fc.record({ op: fc.constant('append' as const), path: file, size: fc.constant(10) }),
  fc.record({ op: fc.constant('unlink' as const), path: file }),
  fc.record({ op: fc.constantFrom('mkdir' as const, 'mkdir', 'rmdir'), path: anyFolder }),
  fc.record({ op: fc.constantFrom('mkdir' as const, 'rmdir'), path: anyFolder }),
  fc.record({
    op: fc.constant('chmod' as const),
    path: fc.oneof(file, anyFolder),
    mode: fc.constantFrom(0o600, 0o700, 0o755),
  }),
  fc.record({ op: fc.constant('flush' as const) }),
  fc.record({ op: fc.constant('kill' as const) }),
  pause,
  pause,
  pause,
] as const

export type Weather = 'calm' | 'stormy' | 'slow' | 'lossy'

const STEPS: Readonly<Record<Weather, fc.Arbitrary<Step>>> = {
  calm: fc.oneof(...CALM),
  stormy: fc.oneof(...CALM, ...CALM, ...STORMY),
  slow: fc.oneof(...SLOW),
  lossy: fc.oneof(...LOSSY),
}

export function historyOf(weather: Weather): fc.Arbitrary<History> {
  const history = fc.record({
    seed: fc.nat(1_000_000),
    hasOpaqueEtags: fc.boolean(),
    steps: fc.array(STEPS[weather], { minLength: 1, maxLength: 25, size: 'max' }),
  })
  if (weather === 'slow') return history.map(inSlowFolders)
  return weather === 'lossy' ? history.map(afterFirstUpload) : history
}

/** What the server can do is known by then: the answers that get lost are those of changes. */
function afterFirstUpload(history: History): History {
  const first: Step[] = [
    { op: 'mkdir', path: 'd' },
    { op: 'write', path: 'd/a', offset: 0, size: PLANTED_BYTES, truncate: true },
    { op: 'flush' },
  ]
  return { ...history, steps: [...first, ...history.steps] }
}

/** Among files that were there before, and slow again after each kill. */
function inSlowFolders(history: History): History {
  const planted = PLANTED.map((path): Step => ({ op: 'other-put', path, size: PLANTED_BYTES }))
  const slow: Step = { op: 'slow' }
  const steps = history.steps.flatMap((step) => (step.op === 'kill' ? [step, slow] : [step]))
  return { ...history, steps: [...planted, slow, ...steps] }
}
