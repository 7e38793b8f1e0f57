/**
 * Puts faults in front of any object store: by a script for one history, by a seed for many.
 *
 * Keeps: a lost reply is a real one: the request is carried out and then fails for the caller.
 */
import { assertNever, type ErrorCode, PailError } from '../../shared/errors.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { ObjectStore } from './object-store.ts'

export type Operation = keyof ObjectStore

export type Fault =
  /** Fails before anything reaches the store. */
  | { readonly kind: 'error'; readonly code: ErrorCode }
  /** The store does it, the caller is told that it failed. */
  | { readonly kind: 'lost-reply'; readonly code?: ErrorCode }
  /** Nothing happens until the caller aborts. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Runs `hook` before or after the request; a hook that throws ends the call with that. */
  | { readonly kind: 'hook'; readonly when: 'before' | 'after'; readonly hook: () => void }

export type ScriptedFault = {
  /** Absent: any operation. */
  readonly operation?: Operation
  /** The n-th call of that operation since the script was set, from 1; absent: every one. */
  readonly nth?: number
  /** Limits the fault to one key, where the operation has one. */
  readonly key?: string
  readonly fault: Fault
}

export type FaultRates = {
  /** Probabilities between 0 and 1; their sum is at most 1. */
  readonly error?: number
  readonly lostReply?: number
  readonly delay?: number
  readonly delayMsMax?: number
  readonly codes?: readonly ErrorCode[]
  /** Absent: every one. */
  readonly operations?: readonly Operation[]
}

export type FlakyOptions = {
  readonly clock: Clock
  readonly script?: readonly ScriptedFault[]
  readonly random?: Random
  readonly rates?: FaultRates
}

const USUAL_CODES: readonly ErrorCode[] = ['s3/busy', 's3/server', 'net/timeout', 'net/reset']

export class FlakyObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #clock: Clock
  readonly #random: Random | undefined
  #script: readonly ScriptedFault[]
  #rates: FaultRates
  #calls: string[] = []
  #isOffline = false

  constructor(inner: ObjectStore, options: FlakyOptions) {
    this.#inner = inner
    this.#clock = options.clock
    this.#random = options.random
    this.#script = options.script ?? []
    this.#rates = options.rates ?? {}
  }

  /** Operations called since the script was set, oldest first, e.g. `put notes.txt`. */
  get calls(): readonly string[] {
    return this.#calls
  }

  /** Replaces the script; counting starts again. */
  setScript(script: readonly ScriptedFault[]): void {
    this.#script = script
    this.#calls = []
  }

  setRates(rates: FaultRates): void {
    this.#rates = rates
  }

  /** While offline every call fails with `net/offline`, before script and rates. */
  setOffline(isOffline: boolean): void {
    this.#isOffline = isOffline
  }

  list: ObjectStore['list'] = (request, signal) =>
    this.#run('list', request.prefix, signal, () => this.#inner.list(request, signal))

  head: ObjectStore['head'] = (key, signal) =>
    this.#run('head', key, signal, () => this.#inner.head(key, signal))

  tags: ObjectStore['tags'] = (key, signal) =>
    this.#run('tags', key, signal, () => this.#inner.tags(key, signal))

  get: ObjectStore['get'] = (request, signal) =>
    this.#run('get', request.key, signal, () => this.#inner.get(request, signal))

  put: ObjectStore['put'] = (request, signal) =>
    this.#run('put', request.key, signal, () => this.#inner.put(request, signal))

  copy: ObjectStore['copy'] = (request, signal) =>
    this.#run('copy', request.key, signal, () => this.#inner.copy(request, signal))

  restore: ObjectStore['restore'] = (request, signal) =>
    this.#run('restore', request.key, signal, () => this.#inner.restore(request, signal))

  delete: ObjectStore['delete'] = (key, signal) =>
    this.#run('delete', key, signal, () => this.#inner.delete(key, signal))

  deleteBatch: ObjectStore['deleteBatch'] = (keys, signal) =>
    this.#run('deleteBatch', keys[0] ?? '', signal, () => this.#inner.deleteBatch(keys, signal))

  createMultipart: ObjectStore['createMultipart'] = (request, signal) =>
    this.#run('createMultipart', request.key, signal, () =>
      this.#inner.createMultipart(request, signal),
    )

  uploadPart: ObjectStore['uploadPart'] = (request, signal) =>
    this.#run('uploadPart', request.key, signal, () => this.#inner.uploadPart(request, signal))

  uploadPartCopy: ObjectStore['uploadPartCopy'] = (request, signal) =>
    this.#run('uploadPartCopy', request.key, signal, () =>
      this.#inner.uploadPartCopy(request, signal),
    )

  listParts: ObjectStore['listParts'] = (key, uploadId, signal) =>
    this.#run('listParts', key, signal, () => this.#inner.listParts(key, uploadId, signal))

  completeMultipart: ObjectStore['completeMultipart'] = (request, signal) =>
    this.#run('completeMultipart', request.key, signal, () =>
      this.#inner.completeMultipart(request, signal),
    )

  abortMultipart: ObjectStore['abortMultipart'] = (key, uploadId, signal) =>
    this.#run('abortMultipart', key, signal, () =>
      this.#inner.abortMultipart(key, uploadId, signal),
    )

  listMultipart: ObjectStore['listMultipart'] = (prefix, signal) =>
    this.#run('listMultipart', prefix, signal, () => this.#inner.listMultipart(prefix, signal))

  async #run<T>(
    operation: Operation,
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    this.#calls.push(`${operation} ${key}`)
    if (this.#isOffline) throw new PailError('net/offline', 'set offline', { operation, key })
    const fault = this.#scripted(operation, key) ?? this.#byChance(operation)
    return fault ? await this.#withFault(fault, { operation, key, signal }, work) : await work()
  }

  async #withFault<T>(
    fault: Fault,
    {
      operation,
      key,
      signal,
    }: { operation: Operation; key: string; signal?: AbortSignal | undefined },
    work: () => Promise<T>,
  ): Promise<T> {
    const failure = (code: ErrorCode) => new PailError(code, 'injected', { operation, key })
    switch (fault.kind) {
      case 'error':
        throw failure(fault.code)
      case 'lost-reply':
        await work()
        throw failure(fault.code ?? 'net/reset')
      case 'hang':
        return await untilAborted(signal)
      case 'delay':
        await this.#clock.sleep(fault.delayMs, signal)
        return await work()
      case 'hook': {
        if (fault.when === 'before') fault.hook()
        const result = await work()
        if (fault.when === 'after') fault.hook()
        return result
      }
      default:
        return assertNever(fault)
    }
  }

  #scripted(operation: Operation, key: string): Fault | undefined {
    return this.#script.find((scripted) => {
      if (scripted.operation !== undefined && scripted.operation !== operation) return false
      if (scripted.key !== undefined && scripted.key !== key) return false
      return scripted.nth === undefined || scripted.nth === this.#countOf(scripted)
    })?.fault
  }

  /** How many calls so far, this one included, the scripted fault is about. */
  #countOf({ operation, key }: ScriptedFault): number {
    return this.#calls.filter((call) => {
      const space = call.indexOf(' ')
      const isOperation = operation === undefined || call.slice(0, space) === operation
      return isOperation && (key === undefined || call.slice(space + 1) === key)
    }).length
  }

  #byChance(operation: Operation): Fault | undefined {
    if (!this.#random || this.#rates.operations?.includes(operation) === false) return undefined
    const { error = 0, lostReply = 0, delay = 0, delayMsMax = 100 } = this.#rates
    const { codes = USUAL_CODES } = this.#rates
    const chance = this.#random.next()
    const code = codes[Math.floor(this.#random.next() * codes.length)] ?? 's3/server'
    if (chance < error) return { kind: 'error', code }
    if (chance < error + lostReply) return { kind: 'lost-reply', code }
    if (chance >= error + lostReply + delay) return undefined
    return { kind: 'delay', delayMs: this.#random.next() * delayMsMax }
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
