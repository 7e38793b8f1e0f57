/**
 * moto's S3 server, in memory, on a free loopback port: keys are keys, none is a path.
 *
 * Keeps: ends by its process id.
 */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { motoPath } from '../../build/python-tools.mjs'
import { plainS3Client } from '../support/s3-client.ts'
import { freePort } from '../support/versitygw.ts'

const READY_MS = 60_000
const POLL_MS = 100
const KEYS = { region: 'us-east-1', accessKeyId: 'a', secretAccessKey: 's' }

export async function startMoto() {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(motoPath(), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill()) await ended
  }
  const deadline = performance.now() + READY_MS
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`moto does not answer at ${url}`)
    }
    await sleep(POLL_MS)
  }
  const createBucket = (name: string) => plainS3Client({ url, ...KEYS }).createBucket(name)
  return { url, ...KEYS, createBucket, stop }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1000) }).then(
    () => true,
    () => false,
  )
