/**
 * Lets nothing change the bucket once the records here are not believed any more.
 *
 * Never: refuses a request that only reads.
 */
import type { ObjectStore } from '../s3/object-store.ts'
import type { Trust } from '../store/trust.ts'

export function withTrustGate(store: ObjectStore, trust: Trust): ObjectStore {
  const checked =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      trust.signal.throwIfAborted()
      return work(...args)
    }
  return {
    ...store,
    put: checked(store.put),
    copy: checked(store.copy),
    restore: checked(store.restore),
    delete: checked(store.delete),
    deleteBatch: checked(store.deleteBatch),
    createMultipart: checked(store.createMultipart),
    uploadPart: checked(store.uploadPart),
    uploadPartCopy: checked(store.uploadPartCopy),
    completeMultipart: checked(store.completeMultipart),
    abortMultipart: checked(store.abortMultipart),
  }
}
