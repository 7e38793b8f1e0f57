/**
 * Every fault of the network and of the server, crossed with everything that programs do.
 *
 * `PAIL_FAULTS=full` tries each fault on each request by itself as well.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'
import { FULL_CASES, QUICK_CASES } from './cases.ts'
import { tableOf } from './table.ts'
import { type Ground, prepareGround, runTrial, type TrialReport } from './trial.ts'

const CASES = process.env.PAIL_FAULTS === 'full' ? [...QUICK_CASES, ...FULL_CASES] : QUICK_CASES

let server: Versitygw
let s3: PlainS3
let ground: Ground
const reports = new Map<string, TrialReport>()

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  ground = await prepareGround(server, s3)
})

afterAll(async () => {
  process.stdout.write(tableOf(reports))
  s3?.close()
  await server?.stop()
})

describe('While the network fails, a folder is right or fails, and afterwards all is well', () => {
  test.concurrent.for(CASES)('$name', async (faultCase) => {
    const report = await runTrial(ground, faultCase.name, faultCase)
    reports.set(faultCase.name, report)
    expect(report.flaws).toEqual([])
    expect(report.spoiled, 'requests that met the fault').toBeGreaterThan(0)
  })
})
