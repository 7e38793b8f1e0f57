/** The faults that are tried, and on which requests. */
import * as faults from '../support/faults.ts'
import type { S3Operation } from '../support/s3-operation.ts'
import { type FaultCase, READS, WRITES } from './fault-case.ts'

const LIST: readonly S3Operation[] = ['ListObjects']
const GET: readonly S3Operation[] = ['GetObject']
const STORES: readonly S3Operation[] = ['PutObject', 'UploadPart', 'CompleteMultipart']
const COPIES: readonly S3Operation[] = ['CopyObject', 'UploadPartCopy', 'CompleteMultipart']
/** Long enough for a request to be given up and tried again. */
const LONG_MS = 12_000

const { answered, errorReply } = faults

/** Those that may meet any request. */
const GENERAL: readonly FaultCase[] = [
  { name: 'latency of 1.5 s', fault: faults.late(1_500) },
  { name: 'latency of 6 s', fault: faults.late(6_000), count: 2 },
  { name: 'reset at once', fault: faults.resetAtOnce },
  { name: 'reset amid the request', fault: faults.resetInRequest(9_000), count: 2 },
  { name: 'reset amid the reply', fault: faults.resetInReply, count: 2 },
  { name: 'closed amid the reply', fault: faults.closedInReply },
  { name: 'lost replies', fault: faults.lostReply, count: 1 },
  { name: 'lost replies for long', fault: faults.lostReply },
  { name: 'black hole', fault: faults.silence, lastsMs: LONG_MS },
  { name: 'black hole, two requests', fault: faults.silence, count: 2 },
  { name: 'deaf server', fault: faults.deafness, lastsMs: LONG_MS },
  { name: 'stalled replies', fault: faults.stalledReply, lastsMs: LONG_MS },
  { name: 'error page with 200', fault: faults.errorWith200, count: 3 },
  { name: 'empty 200', fault: faults.emptyOk, count: 3 },
  { name: 'captive portal 200', fault: faults.portalPage },
  { name: 'captive portal 302', fault: faults.portalRedirect },
  { name: 'captive portal, two requests', fault: faults.portalPage, count: 2 },
  { name: '500', fault: answered(errorReply(500, 'InternalError')), count: 3 },
  { name: '503', fault: answered(errorReply(503, 'ServiceUnavailable')) },
  { name: '503 SlowDown', fault: answered(errorReply(503, 'SlowDown')), count: 4 },
  { name: '429', fault: answered(errorReply(429, 'TooManyRequests')), count: 4 },
  { name: '418', fault: faults.oddStatus, count: 3 },
  { name: '304', fault: faults.notModified, count: 3 },
  { name: '403 AccessDenied', fault: faults.denied },
  { name: '403 RequestTimeTooSkewed', fault: faults.clockRefused },
  { name: 'no HTTP', fault: faults.noHttp, count: 2 },
  { name: 'headers of 1 MB', fault: faults.hugeHeaders, count: 2 },
  { name: 'headers without end', fault: faults.slowHeaders, count: 2 },
]

/** Those that make sense for some requests. */
const PARTICULAR: readonly FaultCase[] = [
  {
    name: 'flipped bit in replies',
    fault: faults.flippedReply,
    operations: GET,
    isBeyondDigests: true,
  },
  { name: 'flipped bit in requests', fault: faults.flippedRequest, operations: STORES, count: 3 },
  { name: 'flipped bit in all requests', fault: faults.flippedRequest, operations: STORES },
  { name: 'short replies', fault: faults.shortReply, operations: [...GET, ...LIST] },
  { name: 'long replies', fault: faults.longReply, operations: [...GET, ...LIST] },
  { name: 'overflowing replies', fault: faults.overflowingReply, operations: [...GET, ...LIST] },
  { name: 'slow replies', fault: faults.slowReply(64 * 1024, 100), operations: GET, isSlow: true },
  {
    name: 'very slow replies',
    fault: faults.slowReply(512, 250),
    operations: [...GET, ...LIST],
    isSlow: true,
    lastsMs: 8_000,
  },
  { name: 'range ignored', fault: faults.rangeIgnored, operations: GET },
  { name: 'range shifted', fault: faults.rangeShifted, operations: GET },
  {
    name: 'another ETag on reads',
    fault: faults.otherEtagHeader,
    operations: ['GetObject', 'HeadObject'],
  },
  { name: 'no ETag on reads', fault: faults.withoutEtag, operations: ['GetObject', 'HeadObject'] },
  { name: 'another ETag on writes', fault: faults.otherEtag, operations: STORES },
  { name: 'no ETag on writes', fault: faults.withoutEtag, operations: STORES },
  { name: 'writes denied', fault: faults.denied, operations: WRITES },
  { name: 'writes unanswered', fault: faults.silence, operations: WRITES, lastsMs: LONG_MS },
  { name: 'reads unanswered', fault: faults.silence, operations: READS, lastsMs: LONG_MS },
  {
    name: '200 with an error for copies',
    fault: answered(errorReply(200, 'InternalError')),
    operations: COPIES,
  },
  {
    name: 'stored, and 200 with an error',
    fault: faults.misheard(errorReply(200, 'InternalError')),
    operations: COPIES,
    count: 2,
  },
  {
    name: 'stored, and 500',
    fault: faults.misheard(errorReply(500, 'InternalError')),
    operations: WRITES,
    count: 2,
  },
  { name: 'deletes refused by name', fault: faults.deletesRefused, operations: ['DeleteObjects'] },
  { name: 'listing of garbage', fault: faults.garbageListing, operations: LIST },
  { name: 'listing cut off', fault: faults.cutListing, operations: LIST },
  { name: 'listing with a DTD', fault: faults.dtdListing, operations: LIST },
  { name: 'listing without end', fault: faults.endlessListing, operations: LIST },
  {
    name: 'listing that leaves out',
    fault: faults.thinnedListing,
    operations: LIST,
    isBlind: true,
  },
  { name: 'listing of foreign keys', fault: faults.foreignKeysListing, operations: LIST },
  { name: 'listing with paths as keys', fault: faults.pathKeysListing, operations: LIST },
]

/** Every fault, on all requests that it makes sense for. */
export const QUICK_CASES: readonly FaultCase[] = [...GENERAL, ...PARTICULAR]

/** Every fault on each operation alone, for a moment and for long. */
export const FULL_CASES: readonly FaultCase[] = QUICK_CASES.flatMap((one) => {
  const operations = one.operations ?? [...READS, ...WRITES]
  return operations.flatMap((operation) => [
    { ...one, name: `${one.name}: ${operation}, twice`, operations: [operation], count: 2 },
    { ...forLong(one), name: `${one.name}: ${operation}`, operations: [operation] },
  ])
})

function forLong({ count: _, ...rest }: FaultCase): FaultCase {
  return rest
}
