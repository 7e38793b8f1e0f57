/**
 * `BUCKET[:/SUBPATH]` as s3fs writes it. Pure.
 */
import { PailError } from '../shared/errors.ts'

export type BucketSpec = { readonly bucket: string; readonly subpath: string }

/** @throws PailError `input/invalid`; whether the subpath can be a prefix is the engine's to say */
export function parseBucketSpec(text: string): BucketSpec {
  const colon = text.indexOf(':')
  const bucket = colon < 0 ? text : text.slice(0, colon)
  const path = colon < 0 ? '/' : text.slice(colon + 1)
  if (bucket === '') throw new PailError('input/invalid', 'The bucket has no name')
  if (bucket.includes('/')) {
    throw new PailError('input/invalid', 'A bucket has no slash in its name: write BUCKET:/SUBPATH')
  }
  if (path.startsWith('//')) {
    throw new PailError('input/invalid', 'Write the bucket’s name, not an address: BUCKET:/SUBPATH')
  }
  if (!path.startsWith('/')) {
    throw new PailError('input/invalid', `The path in the bucket starts with a slash: ${bucket}:/…`)
  }
  return { bucket, subpath: path.slice(1) }
}
