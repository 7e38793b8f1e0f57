/**
 * What Pail promises in seconds, and what it takes here: folders that are known while the server is
 * silent, the first names of a large folder, and the next start after a crash.
 */
import type { Lab } from './lab.ts'
import { startListServer } from './list-server.ts'
import { mountTool, type Source, type ToolMount } from './tools.ts'
import type { Worker } from './worker.ts'

export type PromiseFigure = {
  readonly title: string
  /** The slowest of all, or the only one. */
  readonly ms: number
  /** Where there are many: what half of them, and 99 of 100, took at most. */
  readonly medianMs?: number
  readonly mostMs?: number
  readonly barMs: number
}

export type PromiseSizes = {
  readonly files: number
  readonly rounds: number
  readonly entries: number
  readonly waiting: number
}

export const FULL_PROMISES: PromiseSizes = {
  ...{ files: 200, rounds: 20, entries: 100_000, waiting: 1000 },
}
export const QUICK_PROMISES: PromiseSizes = {
  ...{ files: 20, rounds: 2, entries: 5000, waiting: 50 },
}

const BUCKET = 'bench-promises'
const FOLDER = 'known'
const FILE_BYTES = 20_000
const WAITING_BYTES = 1000
/** Long enough that listings become stale while they are looked at. */
const PAUSE_MS = 1000
const LIMIT_MS = 180_000

/** Complaint 13 and the states of a connection: what is cached answers so soon. */
const KNOWN_BAR_MS = 50
const STATFS_BAR_MS = 5
const FIRST_NAME_BAR_MS = 1000
const RESTART_BAR_MS = 2000

type Bench = { readonly lab: Lab; readonly worker: Worker; readonly sizes: PromiseSizes }

export async function measurePromises(bench: Bench): Promise<PromiseFigure[]> {
  const { url, accessKeyId, secretAccessKey } = bench.lab.server
  const source = { url, bucket: BUCKET, accessKeyId, secretAccessKey }
  await bench.lab.server.createBucket(BUCKET)
  try {
    const keys = namesOf(bench.sizes).map((name) => `${FOLDER}/${name}`)
    await bench.lab.put(BUCKET, { names: keys, sizeBytes: FILE_BYTES })
    const silent = await mounted(source, (mount) => whileSilent(mount, bench))
    const restarted = await mounted(source, (mount) => afterCrash(mount, bench))
    return [...silent, ...(await largeFolder(source, bench)), restarted]
  } finally {
    await bench.lab.removeBucket(BUCKET)
  }
}

const namesOf = ({ files }: PromiseSizes): string[] =>
  Array.from({ length: files }, (_, index) => `file-${index}.dat`)

async function mounted<T>(source: Source, work: (mount: ToolMount) => Promise<T>): Promise<T> {
  const mount = await mountTool('pail', source)
  try {
    return await work(mount)
  } finally {
    await mount.end()
  }
}

async function whileSilent(
  { dir: root }: ToolMount,
  { lab, worker, sizes }: Bench,
): Promise<PromiseFigure[]> {
  const names = namesOf(sizes)
  const known = { dir: `${root}/${FOLDER}`, names, sizeBytes: FILE_BYTES }
  await worker.do({ op: 'known', ...known, rounds: 1, pauseMs: 0 }, LIMIT_MS)
  await lab.server.pause()
  try {
    const { eachMs = {} } = await worker.do(
      { op: 'known', ...known, rounds: sizes.rounds, pauseMs: PAUSE_MS },
      LIMIT_MS,
    )
    const figure = (kind: string, what: string, barMs: number): PromiseFigure => {
      const sorted = [...(eachMs[kind] ?? [])].sort((a, b) => a - b)
      const within = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
      const times = sorted.length.toLocaleString('en-US')
      return {
        title: `server silent: ${what}, ${times} times`,
        ...{ ms: within(1), medianMs: within(0.5), mostMs: within(0.99) },
        barMs,
      }
    }
    return [
      figure('stat', '`stat` of a known file', KNOWN_BAR_MS),
      figure('read', 'a cached file of 20 kB read', KNOWN_BAR_MS),
      figure('list', `a known folder of ${sizes.files} files listed`, KNOWN_BAR_MS),
      figure('statfs', '`statfs`', STATFS_BAR_MS),
    ]
  } finally {
    lab.server.resume()
  }
}

async function afterCrash(
  { dir, flush, crash }: ToolMount,
  { lab, worker, sizes }: Bench,
): Promise<PromiseFigure> {
  const names = Array.from({ length: sizes.waiting }, (_, index) => `waits-${index}.dat`)
  await lab.server.pause()
  try {
    await worker.do({ op: 'writeMany', dir, names, sizeBytes: WAITING_BYTES }, LIMIT_MS)
  } finally {
    lab.server.resume()
  }
  const ms = await crash()
  await flush()
  const title = `killed with ${sizes.waiting.toLocaleString('en-US')} files waiting: mounted again`
  return { title, ms, barMs: RESTART_BAR_MS }
}

async function largeFolder(source: Source, { worker, sizes }: Bench): Promise<PromiseFigure[]> {
  const server = await startListServer(sizes.entries)
  const what = `a folder of ${sizes.entries.toLocaleString('en-US')}`
  try {
    return await mounted({ ...source, url: server.url }, async ({ dir }) => {
      const first = await worker.do({ op: 'firstName', dir }, LIMIT_MS)
      return [{ title: `${what}: its first name`, ms: first.ms, barMs: FIRST_NAME_BAR_MS }]
    })
  } finally {
    await server.stop()
  }
}
