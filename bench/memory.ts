/** The highest resident memory of Pail's engine under three loads, each in an engine of its own. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from './lab.ts'
import { startListServer } from './list-server.ts'
import { peakMemoryBytes } from './processes.ts'
import { mountTool, type Source, type ToolMount } from './tools.ts'
import type { Worker } from './worker.ts'

export type MemoryFigure = {
  readonly title: string
  readonly peakBytes: number
  readonly ms: number
  readonly failure?: string
}

export type MemorySizes = { readonly fileBytes: number; readonly entries: number }

const GIB = 1024 ** 3
export const FULL_MEMORY: MemorySizes = { fileBytes: 2 * GIB, entries: 100_000 }
export const QUICK_MEMORY: MemorySizes = { fileBytes: GIB / 16, entries: 5000 }

const BUCKET = 'bench-memory'
const LIMIT_MS = 180_000
const POLL_MS = 100
const FILE = 'large.dat'

type Bench = { readonly lab: Lab; readonly worker: Worker; readonly sizes: MemorySizes }

export async function measureMemory(bench: Bench): Promise<MemoryFigure[]> {
  const { lab, worker, sizes } = bench
  const { url, accessKeyId, secretAccessKey } = lab.server
  const source = { url, bucket: BUCKET, accessKeyId, secretAccessKey }
  const amount = `${sizes.fileBytes / GIB} GiB`
  const sizeBytes = sizes.fileBytes
  await lab.server.createBucket(BUCKET)
  try {
    const written = await peakOf(source, `${amount} written and uploaded`, async ({ dir }) => {
      await worker.do({ op: 'write', path: join(dir, FILE), sizeBytes }, LIMIT_MS)
      const deadline = performance.now() + LIMIT_MS
      while (!(await lab.holds(BUCKET, '', { count: 1, sizeBytes }))) {
        if (performance.now() > deadline) throw new Error('the upload takes too long')
        await sleep(POLL_MS)
      }
    })
    const read = await peakOf(source, `${amount} read from the bucket`, async ({ dir }) => {
      await worker.do({ op: 'read', path: join(dir, FILE), sizeBytes }, LIMIT_MS)
    })
    return [written, read, await listed(source, bench)]
  } finally {
    await lab.removeBucket(BUCKET)
  }
}

async function listed(source: Source, { worker, sizes }: Bench): Promise<MemoryFigure> {
  const server = await startListServer(sizes.entries)
  const title = `${sizes.entries.toLocaleString('en-US')} entries listed (\`ls -l\`)`
  try {
    return await peakOf({ ...source, url: server.url }, title, async ({ dir }) => {
      const request = { op: 'program', program: 'ls', args: ['-l', dir] } as const
      await worker.do({ ...request, linesMin: sizes.entries }, LIMIT_MS)
    })
  } finally {
    await server.stop()
  }
}

async function peakOf(
  source: Source,
  title: string,
  load: (mount: ToolMount) => Promise<void>,
): Promise<MemoryFigure> {
  const mount = await mountTool('pail', source)
  const start = performance.now()
  try {
    const failure = await load(mount).then(
      () => ({}),
      (thrown) => ({ failure: String(thrown) }),
    )
    const ms = performance.now() - start
    return { title, peakBytes: peakMemoryBytes(mount.pid), ms, ...failure }
  } finally {
    await mount.end()
  }
}
