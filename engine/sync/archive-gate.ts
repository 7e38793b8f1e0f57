/**
 * Keeps reads that the bucket would refuse from being sent: of objects in an archive.
 *
 * Never: refuses anything but a read.
 */
import { PailError } from '../../shared/errors.ts'
import type { ObjectStore } from '../s3/object-store.ts'
import { overlaid } from '../s3/overlaid-object-store.ts'
import type { Restores } from './restores.ts'

/** @param restores  given late: they work with the store themselves */
export function withArchiveGate(
  store: ObjectStore,
  restores: () => Pick<Restores, 'check' | 'noteRefused'>,
): ObjectStore {
  const get: ObjectStore['get'] = async (request, signal) => {
    const { key, etag } = request
    restores().check(key, etag)
    try {
      await store.get(request, signal)
    } catch (thrown) {
      if (PailError.from(thrown).code === 's3/archived') restores().noteRefused(key, etag)
      throw thrown
    }
  }
  return overlaid(store, { get })
}
