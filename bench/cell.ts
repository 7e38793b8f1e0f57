/**
 * One case, one tool, one delay, once: mounted fresh, measured, taken away.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case, Sizes, Stage, Times } from './cases.ts'
import type { Lab, Requests } from './lab.ts'
import type { DelayProxy } from './proxy.ts'
import { mountTool, type ToolMount, type ToolName } from './tools.ts'
import { OverLimit, type Worker } from './worker.ts'

const STORED_POLL_MS = 20
const FIRST_CONTACT_MS = 30_000

export type Cell = {
  readonly caseId: string
  readonly tool: ToolName
  readonly delayMs: number
  readonly run: number
  /** Metrics that ended in time. */
  readonly times: Readonly<Times>
  readonly requests: Requests
  /** Before anything was done in the mount. */
  readonly mountRequests: Requests
  readonly bytesUp: number
  readonly bytesDown: number
  /** `limit` when it was stopped for taking too long; else what went wrong. */
  readonly failure?: string
}

export type CellPlan = {
  readonly theCase: Case
  readonly tool: ToolName
  readonly run: number
  readonly sizes: Sizes
  readonly limitMs: number
  readonly sharedBucket: string
}

export type Instruments = {
  readonly lab: Lab
  readonly proxy: DelayProxy
  readonly worker: Worker
}

let bucketsMade = 0

export async function measureCell(plan: CellPlan, instruments: Instruments): Promise<Cell> {
  const { lab } = instruments
  const objects = plan.theCase.objects?.(plan.sizes)
  if (!objects) return await measureIn(plan.sharedBucket, plan, instruments)
  const bucket = `bench-${++bucketsMade}`
  await lab.server.createBucket(bucket)
  try {
    await lab.put(bucket, objects)
    return await measureIn(bucket, plan, instruments)
  } finally {
    await lab.removeBucket(bucket)
  }
}

async function measureIn(bucket: string, plan: CellPlan, instruments: Instruments): Promise<Cell> {
  const { lab, proxy } = instruments
  const { accessKeyId, secretAccessKey } = lab.server
  await lab.server.resetRequests()
  const mount = await mountTool(plan.tool, {
    url: proxy.url,
    bucket,
    accessKeyId,
    secretAccessKey,
  })
  try {
    if (plan.theCase.objects && plan.tool === 'pail') await meetEndpoint(mount, instruments)
    await lab.untilQuiet()
    const mountRequests = await lab.requests()
    await lab.server.resetRequests()
    const before = await proxy.bytes()
    const outcome = await runCase({ dir: mount.dir, bucket, plan, instruments })
    if (outcome.failure === undefined) await lab.untilQuiet()
    const after = await proxy.bytes()
    return {
      caseId: plan.theCase.id,
      tool: plan.tool,
      delayMs: proxy.delayMs,
      run: plan.run,
      ...outcome,
      mountRequests,
      requests: await lab.requests(),
      bytesUp: after.up - before.up,
      bytesDown: after.down - before.down,
    }
  } finally {
    await mount.end()
  }
}

/**
 * Pail asks an endpoint once, at its first write, which conditions it honours. That is once in the
 * life of a connection and not part of an operation: it is counted apart.
 */
async function meetEndpoint({ dir, flush }: ToolMount, { worker }: Instruments): Promise<void> {
  const path = join(dir, 'first-contact')
  await worker.do({ op: 'write', path, sizeBytes: 1 }, FIRST_CONTACT_MS)
  await flush()
  await worker.do({ op: 'program', program: 'rm', args: [path] }, FIRST_CONTACT_MS)
  await flush()
}

type Setting = {
  readonly dir: string
  readonly bucket: string
  readonly plan: CellPlan
  readonly instruments: Instruments
}

async function runCase(setting: Setting): Promise<{ times: Times; failure?: string }> {
  const stage = stageOf(setting)
  try {
    await setting.plan.theCase.run(stage)
    return { times: stage.times }
  } catch (thrown) {
    const failure = thrown instanceof OverLimit ? 'limit' : String(thrown)
    return { times: stage.times, failure }
  }
}

function stageOf({ dir, bucket, plan, instruments }: Setting): Stage {
  const deadline = performance.now() + plan.limitMs
  const { lab, worker } = instruments
  return {
    dir,
    sizes: plan.sizes,
    times: {},
    do: (request) => worker.do(request, Math.max(1, deadline - performance.now())),
    untilStored: async (folder, wanted, start) => {
      while (!(await lab.holds(bucket, folder, wanted))) {
        if (performance.now() > deadline) throw new OverLimit('upload')
        await sleep(STORED_POLL_MS)
      }
      return performance.now() - start
    },
  }
}
