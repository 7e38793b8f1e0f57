/**
 * The server of a benchmark run, what is put into its buckets beforehand, and what is in them.
 *
 * Keeps: preparing goes past the delay proxy, and looking at a bucket reads the server's own
 *        folder: neither is counted as a request of a tool.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { plainS3Client } from '../test/support/s3-client.ts'
import type { Versitygw } from '../test/support/versitygw.ts'

const PUTS_AT_ONCE = 32
const QUIET_POLL_MS = 50
/** A tool that asked nothing for so long is done. */
const QUIET_MS = 500
const QUIET_WAIT_MAX_MS = 15_000

/** Request kinds as the S3 API names them, and how many of each. */
export type Requests = Readonly<Record<string, number>>

export type Objects = {
  readonly names: readonly string[]
  readonly sizeBytes: number
}

export class Lab {
  readonly server: Versitygw

  constructor(server: Versitygw) {
    this.server = server
  }

  async put(bucket: string, { names, sizeBytes }: Objects): Promise<void> {
    const { url, accessKeyId, secretAccessKey } = this.server
    const s3 = plainS3Client({ url, accessKeyId, secretAccessKey })
    const body = Buffer.alloc(sizeBytes, 'measured ')
    const left = names.values()
    const putSome = async () => {
      for (const name of left) await s3.put(bucket, name, body)
    }
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, putSome))
    s3.close()
  }

  async removeBucket(bucket: string): Promise<void> {
    await rm(join(this.server.dir, bucket), { recursive: true, force: true })
  }

  /** Whether a folder of a bucket has so many objects, all of them of this size. */
  async holds(bucket: string, folder: string, wanted: Expected): Promise<boolean> {
    const dir = join(this.server.dir, bucket, folder)
    const names = await readdir(dir).catch(() => [])
    const objects = names.filter((name) => !name.startsWith('.'))
    if (objects.length !== wanted.count) return false
    const sizes = await Promise.all(
      objects.map((name) =>
        stat(join(dir, name)).then(
          ({ size }) => size,
          () => -1,
        ),
      ),
    )
    return sizes.every((size) => size === wanted.sizeBytes)
  }

  /** Waits until no tool asks anything any more. */
  async untilQuiet(): Promise<void> {
    const deadline = performance.now() + QUIET_WAIT_MAX_MS
    let lines = -1
    for (let since = performance.now(); performance.now() - since < QUIET_MS; ) {
      const now = (await this.server.requests()).lines.length
      if (now !== lines) since = performance.now()
      lines = now
      if (performance.now() > deadline) return
      await sleep(QUIET_POLL_MS)
    }
  }

  async requests(): Promise<Requests> {
    const { byAction } = await this.server.requests()
    return Object.fromEntries(
      Object.entries(byAction).map(([action, count]) => [action.replace('s3_', ''), count]),
    )
  }
}

export type Expected = { readonly count: number; readonly sizeBytes: number }
