/**
 * Where a bucket lies that the endpoint does not have: at IBM a bucket answers at the endpoint of its
 * location alone, while every endpoint lists all buckets of the account with their locations.
 *
 * Never: sends the keys anywhere else; a person chooses the other endpoint.
 * @see https://cloud.ibm.com/docs/cloud-object-storage?topic=cloud-object-storage-endpoints
 */
import { PailError } from '../../shared/errors.ts'
import type { ObjectService } from '../s3/object-store.ts'

const HOST = /^s3\.((?:private|direct)\.)?([a-z0-9.-]+)(\.cloud-object-storage\.appdomain\.cloud)$/
/** What follows the location in a bucket's location constraint. */
const STORAGE_CLASS = /-(?:standard|vault|cold|smart|flex|active|onerate_active)$/

/** @returns the endpoint of the location; undefined where it is this one, or nothing is known of it */
export function endpointOfLocation(endpointUrl: string, constraint: string): string | undefined {
  if (!URL.canParse(endpointUrl)) return undefined
  const url = new URL(endpointUrl)
  const [, network = '', here = '', domain = ''] = HOST.exec(url.hostname) ?? []
  const location = constraint.replace(STORAGE_CLASS, '')
  const isKnown = here !== '' && /^[a-z0-9-]{2,32}$/.test(location)
  if (!isKnown || here === location || here.endsWith(`.${location}`)) return undefined
  return `${url.protocol}//s3.${network}${location}${domain}`
}

/** @returns `error`, or one that names the endpoint that has the bucket */
export async function explainNoBucket(
  error: PailError,
  asked: {
    readonly service: Pick<ObjectService, 'listBuckets'>
    readonly bucket: string
    readonly endpointUrl: string
    readonly signal: AbortSignal
  },
): Promise<PailError> {
  const { service, bucket, endpointUrl, signal } = asked
  if (error.code !== 's3/no-bucket' || !endpointOfLocation(endpointUrl, 'xx')) return error
  const buckets = await service.listBuckets(signal).catch(() => [])
  const location = buckets.find(({ name }) => name === bucket)?.location
  const endpoint = location === undefined ? undefined : endpointOfLocation(endpointUrl, location)
  if (endpoint === undefined) return error
  const detail = `the bucket is at ${endpoint}`
  return new PailError('s3/wrong-region', detail, { bucket, endpoint }, error)
}
