/**
 * A store with some of its requests replaced: the others are handed to the store itself, whatever kind
 * of object that is.
 */
import type { ObjectStore } from './object-store.ts'

export function overlaid(store: ObjectStore, changed: Partial<ObjectStore>): ObjectStore {
  return {
    list: (request, signal) => store.list(request, signal),
    head: (key, signal) => store.head(key, signal),
    tags: (key, signal) => store.tags(key, signal),
    get: (request, signal) => store.get(request, signal),
    put: (request, signal) => store.put(request, signal),
    copy: (request, signal) => store.copy(request, signal),
    restore: (request, signal) => store.restore(request, signal),
    delete: (key, signal) => store.delete(key, signal),
    deleteBatch: (keys, signal) => store.deleteBatch(keys, signal),
    createMultipart: (request, signal) => store.createMultipart(request, signal),
    uploadPart: (request, signal) => store.uploadPart(request, signal),
    uploadPartCopy: (request, signal) => store.uploadPartCopy(request, signal),
    listParts: (key, uploadId, signal) => store.listParts(key, uploadId, signal),
    completeMultipart: (request, signal) => store.completeMultipart(request, signal),
    abortMultipart: (key, uploadId, signal) => store.abortMultipart(key, uploadId, signal),
    listMultipart: (prefix, signal) => store.listMultipart(prefix, signal),
    ...changed,
  }
}
