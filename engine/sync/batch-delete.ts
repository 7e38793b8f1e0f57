/**
 * Deletes keys by as few requests as the server allows, and says for each key how it went.
 *
 * Never: decides what is deleted. Every key stands for an operation that a program asked for.
 */
import { type ErrorCode, PailError } from '../../shared/errors.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { ObjectStore } from '../s3/object-store.ts'
import type { Requests } from './requests.ts'
import { isRetried, nextDelayMs } from './retry.ts'

/** Keys of one DeleteObjects request: the protocol's limit. */
export const DELETE_BATCH_KEYS_MAX = 1000
/** Requests of one call under way at once. */
export const DELETES_PARALLEL_MAX = 4
/** A key that the server could not delete just now is asked for again so often. */
export const DELETE_ROUNDS_MAX = 4

export type DeleteDeps = {
  readonly store: ObjectStore
  readonly requests: Requests
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

/** `error` absent: the key is gone. */
export type DeleteResult = { readonly key: string; readonly error?: PailError }

/**
 * @returns one result for each key, in the order asked, each key once
 * @throws the signal's reason, nothing else: what fails is in the results
 */
export async function deleteKeys(
  deps: DeleteDeps,
  keys: readonly string[],
): Promise<readonly DeleteResult[]> {
  const results = new Map<string, PailError | undefined>(
    [...new Set(keys)].map((key) => [key, undefined]),
  )
  let left = [...results.keys()]
  const state = { hasBatches: true }
  for (let round = 0; left.length > 0; round++) {
    if (round > 0) await deps.clock.sleep(nextDelayMs(round, deps.random), deps.signal)
    const failed = await deleteOnce(deps, left, state)
    for (const key of left) results.set(key, failed.get(key))
    if (round + 1 >= DELETE_ROUNDS_MAX) break
    left = [...failed].flatMap(([key, failure]) => (failure.mayRetry ? [key] : []))
  }
  return [...results].map(([key, error]) => (error ? { key, error } : { key }))
}

/** Why a key is still there. Whole requests were retried already; single keys of one were not. */
class KeyFailure extends PailError {
  readonly mayRetry: boolean

  constructor(error: PailError, mayRetry: boolean) {
    super(error.code, error.detail, error.where, error)
    this.mayRetry = mayRetry
  }
}

type Failures = Map<string, KeyFailure>

async function deleteOnce(
  deps: DeleteDeps,
  keys: readonly string[],
  state: { hasBatches: boolean },
): Promise<Failures> {
  const failures: Failures = new Map()
  const single = keys.filter((key) => !state.hasBatches || !isForXml(key))
  const batches = batchesOf(state.hasBatches ? keys.filter(isForXml) : [])
  await inParallel(batches, async (batch) => {
    // A DELETE costs nothing with most providers, a DeleteObjects request does.
    if (batch.length === 1 || !state.hasBatches) single.push(...batch)
    else if (!(await deleteBatch(deps, batch, failures))) {
      state.hasBatches = false
      single.push(...batch)
    }
  })
  await inParallel(single, async (key) => {
    const error = await outcomeOf(deps, (signal) => deps.store.delete(key, signal))
    if (error) failures.set(key, new KeyFailure(error, false))
  })
  return failures
}

/** False: the server does not offer DeleteObjects. */
async function deleteBatch(
  deps: DeleteDeps,
  batch: readonly string[],
  failures: Failures,
): Promise<boolean> {
  const error = await outcomeOf(deps, async (signal) => {
    for (const key of batch) failures.delete(key)
    for (const { key, code, message } of await deps.store.deleteBatch(batch, signal)) {
      const failure = keyError(key, { code, message })
      if (failure) failures.set(key, new KeyFailure(failure, isRetried(failure)))
    }
  })
  if (error?.code === 's3/unsupported') return false
  if (error) for (const key of batch) failures.set(key, new KeyFailure(error, false))
  return true
}

async function outcomeOf(
  { requests, signal }: DeleteDeps,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<PailError | undefined> {
  try {
    await requests.run('background', work, signal)
    return undefined
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    return PailError.from(thrown)
  }
}

/** @see AWS S3 API reference, DeleteObjects: `Errors` carry the codes of single requests */
const KEY_ERRORS: Readonly<Record<string, ErrorCode>> = {
  AccessDenied: 'auth/denied',
  ObjectLocked: 'auth/denied',
  InternalError: 's3/server',
  ServiceUnavailable: 's3/busy',
  SlowDown: 's3/busy',
  OperationAborted: 's3/busy',
  NotImplemented: 's3/rejected',
}

function keyError(
  key: string,
  { code, message }: { code: string; message: string },
): PailError | undefined {
  if (code === 'NoSuchKey') return undefined
  const known = Object.hasOwn(KEY_ERRORS, code) ? KEY_ERRORS[code] : undefined
  return new PailError(known ?? 's3/rejected', `${code}: ${message}`, { key })
}

/** XML 1.0 cannot carry every character of a key, and changes line ends: a URL carries them all. */
function isForXml(key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    if (unit < 0x20 || unit === 0xfffe || unit === 0xffff) return false
  }
  return true
}

function batchesOf(keys: readonly string[]): string[][] {
  const count = Math.ceil(keys.length / DELETE_BATCH_KEYS_MAX)
  return Array.from({ length: count }, (_, i) =>
    keys.slice(i * DELETE_BATCH_KEYS_MAX, (i + 1) * DELETE_BATCH_KEYS_MAX),
  )
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  const count = Math.min(DELETES_PARALLEL_MAX, items.length)
  await Promise.all(Array.from({ length: count }, worker))
}
