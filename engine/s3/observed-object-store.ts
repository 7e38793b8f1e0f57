/**
 * Tells how each request to a store ended, for those who learn from it what the keys may do.
 *
 * Never: changes a request or its outcome.
 */
import { PailError } from '../../shared/errors.ts'
import type { ObjectStore } from './object-store.ts'

/** @param error undefined when the request did what it was asked for */
export type Observe = (
  operation: keyof ObjectStore,
  key: string,
  error: PailError | undefined,
) => void

export class ObservedObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #observe: Observe

  constructor(inner: ObjectStore, observe: Observe) {
    this.#inner = inner
    this.#observe = observe
  }

  list: ObjectStore['list'] = (request, signal) =>
    this.#run('list', request.prefix, this.#inner.list(request, signal))

  head: ObjectStore['head'] = (key, signal) => this.#run('head', key, this.#inner.head(key, signal))

  /** Keys that may not ask for tags may do all that a mount needs. */
  tags: ObjectStore['tags'] = (key, signal) => this.#inner.tags(key, signal)

  get: ObjectStore['get'] = (request, signal) =>
    this.#run('get', request.key, this.#inner.get(request, signal))

  put: ObjectStore['put'] = (request, signal) =>
    this.#run('put', request.key, this.#inner.put(request, signal))

  copy: ObjectStore['copy'] = (request, signal) =>
    this.#run('copy', request.key, this.#inner.copy(request, signal))

  /** Many may read that may not have anything restored. */
  restore: ObjectStore['restore'] = (request, signal) => this.#inner.restore(request, signal)

  delete: ObjectStore['delete'] = (key, signal) =>
    this.#run('delete', key, this.#inner.delete(key, signal))

  deleteBatch: ObjectStore['deleteBatch'] = (keys, signal) =>
    this.#run('deleteBatch', keys[0] ?? '', this.#inner.deleteBatch(keys, signal))

  createMultipart: ObjectStore['createMultipart'] = (request, signal) =>
    this.#run('createMultipart', request.key, this.#inner.createMultipart(request, signal))

  uploadPart: ObjectStore['uploadPart'] = (request, signal) =>
    this.#run('uploadPart', request.key, this.#inner.uploadPart(request, signal))

  uploadPartCopy: ObjectStore['uploadPartCopy'] = (request, signal) =>
    this.#run('uploadPartCopy', request.key, this.#inner.uploadPartCopy(request, signal))

  listParts: ObjectStore['listParts'] = (key, uploadId, signal) =>
    this.#run('listParts', key, this.#inner.listParts(key, uploadId, signal))

  completeMultipart: ObjectStore['completeMultipart'] = (request, signal) =>
    this.#run('completeMultipart', request.key, this.#inner.completeMultipart(request, signal))

  abortMultipart: ObjectStore['abortMultipart'] = (key, uploadId, signal) =>
    this.#run('abortMultipart', key, this.#inner.abortMultipart(key, uploadId, signal))

  listMultipart: ObjectStore['listMultipart'] = (prefix, signal) =>
    this.#run('listMultipart', prefix, this.#inner.listMultipart(prefix, signal))

  async #run<T>(operation: keyof ObjectStore, key: string, work: Promise<T>): Promise<T> {
    try {
      const value = await work
      this.#observe(operation, key, undefined)
      return value
    } catch (thrown) {
      if (thrown instanceof PailError) this.#observe(operation, key, thrown)
      throw thrown
    }
  }
}
