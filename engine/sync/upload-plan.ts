/**
 * In which pieces a file's content goes to the bucket. Pure.
 *
 * Keeps: parts tile the content exactly, in legal sizes, at most 10,000 of them; a part is copied
 *        inside the bucket only where no byte of it was written locally.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html the limits; IBM COS has
 *      the same ones (parts of 5 MiB to 5 GiB, 10,000 of them, objects of 10 TB)
 */
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { Capabilities } from '../s3/object-store.ts'
import type { Extent, ObjectVersion } from './content.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB

/** Up to here one PUT sends the whole file. */
export const SINGLE_PUT_BYTES_MAX = 16 * MIB
export const PART_BYTES_MIN = 5 * MIB
export const PART_BYTES_MAX = 5 * GIB
/** Small enough to lose little to a failed request, large enough to fill a line. */
export const PART_BYTES_USUAL = 8 * MIB
export const PARTS_MAX = 10_000
export const OBJECT_BYTES_MAX = 10 * 1000 ** 4
/** What one more request is worth in bytes sent, when one PUT and several parts are compared. */
export const REQUEST_COST_BYTES = MIB

/** Sizes that plans are made with: S3's, or a test's. */
export type PartLimits = {
  readonly singlePutBytesMax: number
  readonly partBytesMin: number
  readonly partBytesUsual: number
  readonly requestCostBytes: number
}

export const S3_PART_LIMITS: PartLimits = {
  singlePutBytesMax: SINGLE_PUT_BYTES_MAX,
  partBytesMin: PART_BYTES_MIN,
  partBytesUsual: PART_BYTES_USUAL,
  requestCostBytes: REQUEST_COST_BYTES,
}

export type UploadPart = {
  readonly partNumber: number
  readonly start: number
  readonly end: number
  /** `copy`: the same range of the base version, copied by the server. */
  readonly from: 'local' | 'copy'
}

export type UploadPlan =
  | { readonly kind: 'put' }
  | { readonly kind: 'multipart'; readonly parts: readonly UploadPart[] }

export type UploadPlanRequest = {
  readonly sizeBytes: number
  /** Ranges written locally. Below `base.sizeBytes` everything else is the base's content. */
  readonly extents: readonly Extent[]
  readonly base?: Pick<ObjectVersion, 'sizeBytes'>
  readonly capabilities: Pick<Capabilities, 'uploadPartCopy'>
  /** Length of parts that are sent; raised when it would make too many of them. */
  readonly partSizeBytes?: number
  readonly limits?: PartLimits
}

type Run = { start: number; end: number; from: 'local' | 'copy' }

/** @throws PailError `s3/too-large` */
export function planUpload(request: UploadPlanRequest): UploadPlan {
  const { sizeBytes, limits = S3_PART_LIMITS } = request
  if (sizeBytes > OBJECT_BYTES_MAX) {
    throw new PailError('s3/too-large', `${sizeBytes} bytes`, { sizeBytes })
  }
  const clean = request.capabilities.uploadPartCopy ? cleanRanges(request, limits) : []
  if (sizeBytes <= limits.singlePutBytesMax && clean.length === 0) return { kind: 'put' }
  const parts = fewEnoughParts(request, clean, limits)
  if (
    sizeBytes <= limits.singlePutBytesMax &&
    costBytes(parts, limits) >= sizeBytes + limits.requestCostBytes
  ) {
    return { kind: 'put' }
  }
  return { kind: 'multipart', parts }
}

/** Create and Complete are requests too. */
function costBytes(parts: readonly UploadPart[], limits: PartLimits): number {
  return sentBytes(parts) + (parts.length + 2) * limits.requestCostBytes
}

/** Bytes that leave this computer. */
export function sentBytes(parts: readonly UploadPart[]): number {
  return parts.reduce((sum, part) => sum + (part.from === 'local' ? part.end - part.start : 0), 0)
}

/** Ranges of the base that were not written, in order. */
function cleanRanges(
  { sizeBytes, extents, base }: UploadPlanRequest,
  limits: PartLimits,
): Extent[] {
  // A server copies ranges only of objects larger than the smallest part.
  if (!base || base.sizeBytes <= limits.partBytesMin) return []
  const clean: Extent[] = []
  const limit = Math.min(sizeBytes, base.sizeBytes)
  let at = 0
  for (const extent of [...extents].sort((a, b) => a.start - b.start)) {
    if (extent.start >= limit) break
    if (extent.start > at) clean.push({ start: at, end: extent.start })
    at = Math.max(at, extent.end)
  }
  if (at < limit) clean.push({ start: at, end: limit })
  return clean
}

/** Gives up the shortest copies, then lengthens the parts, until there are few enough. */
function fewEnoughParts(
  request: UploadPlanRequest,
  clean: readonly Extent[],
  limits: PartLimits,
): UploadPart[] {
  const partSizeBytes = Math.min(
    PART_BYTES_MAX - limits.partBytesMin,
    Math.max(limits.partBytesMin, request.partSizeBytes ?? limits.partBytesUsual),
  )
  for (let copyMin = limits.partBytesMin; copyMin < request.sizeBytes; copyMin *= 2) {
    const runs = legalRuns(
      runsOf(request.sizeBytes, clean, { copyMin, limits }),
      request.sizeBytes,
      limits,
    )
    const parts = runs.flatMap((run) =>
      splitRun(run, { partSizeBytes, sizeBytes: request.sizeBytes, limits }),
    )
    if (parts.length <= PARTS_MAX) return numbered(parts)
    const longer = longerParts(runs, request.sizeBytes, limits)
    if (longer) return numbered(longer)
  }
  const whole: Run = { start: 0, end: request.sizeBytes, from: 'local' }
  const enough = roundUp(Math.ceil(request.sizeBytes / PARTS_MAX), MIB)
  const parts = splitRun(whole, {
    partSizeBytes: Math.max(partSizeBytes, enough),
    sizeBytes: request.sizeBytes,
    limits,
  })
  assert(parts.length <= PARTS_MAX, 'a file has at most 10,000 parts')
  return numbered(parts)
}

/** The same runs in fewer parts; undefined when the runs alone are too many for that. */
function longerParts(
  runs: readonly Run[],
  sizeBytes: number,
  limits: PartLimits,
): Run[] | undefined {
  const free = PARTS_MAX - runs.length - copyPartsOf(runs)
  if (free <= 0) return undefined
  const local = runs.reduce((sum, run) => sum + (run.from === 'local' ? run.end - run.start : 0), 0)
  const partSizeBytes = roundUp(Math.max(limits.partBytesUsual, Math.ceil(local / free)), MIB)
  if (partSizeBytes > PART_BYTES_MAX - limits.partBytesMin) return undefined
  const parts = runs.flatMap((run) => splitRun(run, { partSizeBytes, sizeBytes, limits }))
  return parts.length <= PARTS_MAX ? parts : undefined
}

function copyPartsOf(runs: readonly Run[]): number {
  return runs.reduce(
    (sum, run) =>
      sum + (run.from === 'copy' ? Math.ceil((run.end - run.start) / PART_BYTES_MAX) : 0),
    0,
  )
}

/** Alternating runs over the whole file; clean ranges too short to copy count as local. */
function runsOf(
  sizeBytes: number,
  clean: readonly Extent[],
  { copyMin, limits }: { copyMin: number; limits: PartLimits },
): Run[] {
  const runs: Run[] = []
  let at = 0
  for (const { start, end } of clean) {
    const isLast = end === sizeBytes
    if (end - start < (isLast ? limits.requestCostBytes : copyMin)) continue
    if (start > at) runs.push({ start: at, end: start, from: 'local' })
    runs.push({ start, end, from: 'copy' })
    at = end
  }
  if (at < sizeBytes) runs.push({ start: at, end: sizeBytes, from: 'local' })
  return runs
}

/** Lengthens local runs that are too short for a part, at the expense of the copies beside them. */
function legalRuns(runs: readonly Run[], sizeBytes: number, limits: PartLimits): Run[] {
  const legal: Run[] = []
  const queue = runs.map((run) => ({ ...run }))
  for (let i = 0; i < queue.length; i++) {
    const run = queue[i]
    if (!run) break
    const before = legal.at(-1)
    if (run.from === 'local' && before?.from === 'local') {
      before.end = run.end
      continue
    }
    legal.push(run)
    const missing = limits.partBytesMin - (run.end - run.start)
    if (run.from === 'copy' || run.end === sizeBytes || missing <= 0) continue
    const after = queue[i + 1]
    if (after && mayGive(after, missing, { sizeBytes, limits })) {
      run.end += missing
      after.start += missing
    } else if (
      before &&
      before.from === 'copy' &&
      mayGive(before, missing, { sizeBytes, limits })
    ) {
      run.start -= missing
      before.end -= missing
    } else if (after) {
      // Neither side can spare enough and remain a part: the next copy is sent as a whole.
      after.from = 'local'
      legal.pop()
      after.start = run.start
    }
  }
  return legal
}

function mayGive(
  copy: Run,
  bytes: number,
  { sizeBytes, limits }: { sizeBytes: number; limits: PartLimits },
): boolean {
  const restMin = copy.end === sizeBytes ? limits.requestCostBytes : limits.partBytesMin
  return copy.end - copy.start - bytes >= restMin
}

function splitRun(
  run: Run,
  {
    partSizeBytes,
    sizeBytes,
    limits,
  }: { partSizeBytes: number; sizeBytes: number; limits: PartLimits },
): Run[] {
  if (run.from === 'copy') return splitEvenly(run, PART_BYTES_MAX)
  const parts: Run[] = []
  for (let start = run.start; start < run.end; ) {
    const rest = run.end - start
    // A remainder too short for a part of its own joins the part before it.
    const isTail = rest - partSizeBytes < limits.partBytesMin && run.end !== sizeBytes
    const end = isTail ? run.end : Math.min(run.end, start + partSizeBytes)
    parts.push({ start, end, from: 'local' })
    start = end
  }
  return parts
}

function splitEvenly(run: Run, partBytesMax: number): Run[] {
  const count = Math.ceil((run.end - run.start) / partBytesMax)
  const length = Math.ceil((run.end - run.start) / count)
  return Array.from({ length: count }, (_, i) => ({
    start: run.start + i * length,
    end: Math.min(run.end, run.start + (i + 1) * length),
    from: run.from,
  }))
}

function numbered(parts: readonly Run[]): UploadPart[] {
  return parts.map((part, i) => ({ partNumber: i + 1, ...part }))
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
