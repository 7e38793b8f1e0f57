/** One fault, on which requests, for how long, and what may be expected under it. */
import type { Fault, Rule } from '../support/fault-proxy.ts'
import type { S3Operation } from '../support/s3-operation.ts'

export type FaultCase = {
  readonly name: string
  readonly fault: Fault
  /** All when absent. */
  readonly operations?: readonly S3Operation[]
  /** Requests of each operation that are spoiled; every one until healed when absent. */
  readonly count?: number
  /** How long the fault stays on at the least, so that uploads meet it as well. */
  readonly lastsMs?: number
  /** Bytes come, if slowly: an operation takes as long as that takes, and the fault ends before. */
  readonly isSlow?: boolean
  /**
   * Without TLS, a changed byte is found only where a digest of the whole object covers it: small
   * files before they are read, large ones when all of them is here, ranges never.
   */
  readonly isBeyondDigests?: boolean
  /** The listing lies by leaving out: what is not shown is not known to be there. */
  readonly isBlind?: boolean
}

export function rulesOf({ fault, operations, count }: FaultCase): Rule[] {
  if (count === undefined) return [{ fault, ...(operations ? { operations } : {}) }]
  return (operations ?? ALL_OPERATIONS).map((operation) => ({
    fault,
    operations: [operation],
    count,
  }))
}

export const READS: readonly S3Operation[] = ['ListObjects', 'GetObject', 'HeadObject']
export const WRITES: readonly S3Operation[] = [
  ...(['PutObject', 'CopyObject', 'DeleteObject', 'DeleteObjects', 'CreateMultipart'] as const),
  ...(['UploadPart', 'UploadPartCopy', 'CompleteMultipart', 'AbortMultipart'] as const),
]
const ALL_OPERATIONS: readonly S3Operation[] = [...READS, ...WRITES, 'ListParts', 'ListMultiparts']
