/**
 * Finds out what a program will read next from what it read so far. Pure.
 *
 * One state per open file. It follows up to STREAMS_MAX streams at once, so that several readers
 * of one handle (or a program that walks two regions) do not hide each other. A stream is
 * sequential (each read begins where the last one ended) or strided (equal lengths, equal gaps).
 *
 * Read-ahead is at most twice what the program has read for certain: a guess that turns out wrong
 * costs a bounded share, and the window still triples with every round trip.
 */
import type { Extent } from './content.ts'
import { rangeBytesFor } from './read-ranges.ts'

export const WINDOW_BYTES_MIN = 256 * 1024
export const WINDOW_BYTES_MAX = 32 * 1024 * 1024
/** A first read at the start of a file is taken for the start of a sequential one, this far. */
export const START_WINDOW_BYTES = 256 * 1024
/** The kernel itself reads ahead of the program by so much: that nobody has asked for. */
const KERNEL_AHEAD_BYTES = 128 * 1024
const STREAMS_MAX = 16
/** Equally spaced reads before the next ones are fetched ahead: three can be chance. */
const STRIDED_READS_MIN = 4
const STRIDE_BYTES_MAX = 64 * 1024 * 1024
const STRIDED_AHEAD_MAX = 64
/** Reads that may overtake each other on their way here (the kernel sends them in parallel). */
const REORDERED_READS_MAX = 4

export type Stream = {
  readonly last: Extent
  /** 0: sequential, or not known yet. */
  readonly stride: number
  /** Reads that fit the stream. */
  readonly reads: number
  readonly runBytes: number
  /** How far was planned: a byte offset (sequential) or a number of strides from `last`. */
  readonly planned: number
}

/** Most recently used stream first. */
export type ReadPattern = { readonly streams: readonly Stream[]; readonly isFresh: boolean }

export const FRESH_PATTERN: ReadPattern = { streams: [], isFresh: true }

export type ReadPlan = {
  readonly pattern: ReadPattern
  /** What to fetch ahead, within the file; empty when no pattern shows. */
  readonly ahead: readonly Extent[]
  /** Window that `ahead` belongs to: how large its requests may be. */
  readonly windowBytes: number
}

export function noteRead(pattern: ReadPattern, read: Extent, sizeBytes: number): ReadPlan {
  if (pattern.isFresh && read.start === 0) return planStart(read, sizeBytes)
  for (const match of [matchSequential, matchStrided]) {
    const found = pattern.streams.findIndex((stream) => match(stream, read))
    const stream = pattern.streams[found]
    if (!stream) continue
    const rest = pattern.streams.filter((_, index) => index !== found)
    const next = match === matchSequential ? goOn(stream, read) : stride(stream, read)
    const planned =
      match === matchSequential ? planRun(next, sizeBytes) : planStrides(next, sizeBytes)
    return { ...planned, pattern: patternOf([planned.stream, ...rest]) }
  }
  return { pattern: patternOf(newStream(pattern.streams, read)), ahead: [], windowBytes: 0 }
}

function patternOf(streams: readonly Stream[]): ReadPattern {
  return { streams: streams.slice(0, STREAMS_MAX), isFresh: false }
}

function planStart(read: Extent, sizeBytes: number): ReadPlan {
  const planned = Math.min(sizeBytes, Math.max(read.end, START_WINDOW_BYTES))
  const stream = { last: read, stride: 0, reads: 1, runBytes: read.end, planned }
  const ahead = planned > read.end ? [{ start: read.end, end: planned }] : []
  return { pattern: patternOf([stream]), ahead, windowBytes: START_WINDOW_BYTES }
}

/** A confirmed stream tolerates reads that overtook each other; a new one must fit exactly. */
function matchSequential(stream: Stream, read: Extent): boolean {
  if (stream.stride !== 0) return false
  if (read.start === stream.last.end) return true
  const slack = stream.reads > 2 ? REORDERED_READS_MAX * (read.end - read.start) : 0
  return slack > 0 && Math.abs(read.start - stream.last.end) <= slack
}

function goOn(stream: Stream, read: Extent): Stream {
  const end = Math.max(stream.last.end, read.end)
  const runBytes = stream.runBytes + (end - stream.last.end)
  const last = { start: Math.min(read.start, end), end }
  return { ...stream, last, runBytes, reads: stream.reads + 1 }
}

function windowOf(stream: Stream): number {
  const certainBytes = stream.runBytes - KERNEL_AHEAD_BYTES
  return Math.min(WINDOW_BYTES_MAX, Math.max(WINDOW_BYTES_MIN, 2 * certainBytes))
}

/**
 * Plans again as soon as another whole request fits into the window: so many are under way all the
 * time that the line is never idle for a round trip, and each is large.
 */
function planRun(stream: Stream, sizeBytes: number) {
  const windowBytes = windowOf(stream)
  const rangeBytes = rangeBytesFor(windowBytes)
  const from = Math.max(stream.last.end, stream.planned)
  const to = Math.min(sizeBytes, roundDown(stream.last.end + windowBytes, rangeBytes))
  const isFarEnough = from - stream.last.end > windowBytes - rangeBytes
  if (isFarEnough || to <= from) return { stream, ahead: [], windowBytes }
  return { stream: { ...stream, planned: to }, ahead: [{ start: from, end: to }], windowBytes }
}

function matchStrided(stream: Stream, read: Extent): boolean {
  const isNext = read.start - stream.last.start === stream.stride
  return stream.stride !== 0 && isNext && lengthOf(read) === lengthOf(stream.last)
}

function stride(stream: Stream, read: Extent): Stream {
  const runBytes = stream.runBytes + lengthOf(read)
  const planned = Math.max(0, stream.planned - 1)
  return { ...stream, last: read, reads: stream.reads + 1, runBytes, planned }
}

function planStrides(stream: Stream, sizeBytes: number) {
  const windowBytes = windowOf(stream)
  const length = lengthOf(stream.last)
  const count = Math.min(STRIDED_AHEAD_MAX, Math.max(1, Math.floor((2 * stream.runBytes) / length)))
  if (stream.reads < STRIDED_READS_MIN || stream.planned >= count / 2) {
    return { stream, ahead: [], windowBytes }
  }
  const ahead: Extent[] = []
  for (let step = stream.planned + 1; step <= count; step++) {
    const start = stream.last.start + step * stream.stride
    if (start >= 0 && start < sizeBytes && step * length <= WINDOW_BYTES_MAX) {
      ahead.push({ start, end: Math.min(sizeBytes, start + length) })
    }
  }
  return { stream: { ...stream, planned: count }, ahead, windowBytes }
}

/** Three equally spaced lone reads become a strided stream; any other read is remembered alone. */
function newStream(streams: readonly Stream[], read: Extent): Stream[] {
  const lone = { last: read, stride: 0, reads: 1, runBytes: lengthOf(read), planned: 0 }
  for (const [index, middle] of streams.entries()) {
    const step = read.start - middle.last.start
    if (!isLoneLike(middle, read) || !isStride(step, read)) continue
    const first = streams.findIndex(
      (each, at) =>
        at > index && isLoneLike(each, read) && middle.last.start - each.last.start === step,
    )
    if (first < 0) continue
    const rest = streams.filter((_, at) => at !== index && at !== first)
    return [{ ...lone, stride: step, reads: 3, runBytes: 3 * lengthOf(read) }, ...rest]
  }
  return [lone, ...streams]
}

function isLoneLike(stream: Stream, read: Extent): boolean {
  return stream.reads === 1 && lengthOf(stream.last) === lengthOf(read)
}

function isStride(step: number, read: Extent): boolean {
  return Math.abs(step) >= lengthOf(read) && Math.abs(step) <= STRIDE_BYTES_MAX
}

/** Plans end where requests do, so that the next plan goes on with whole ones. */
function roundDown(offset: number, unit: number): number {
  return Math.floor(offset / unit) * unit
}

function lengthOf(extent: Extent): number {
  return extent.end - extent.start
}
