/**
 * Addresses that answer inside a provider's own network alone, and what they are called outside. Pure.
 *
 * @see https://cloud.ibm.com/docs/cloud-object-storage?topic=cloud-object-storage-endpoints
 */

const PRIVATE_HOST =
  /^(s3)\.(?:private|direct)\.([a-z0-9.-]+\.cloud-object-storage\.appdomain\.cloud)$/

/** The same buckets from anywhere; undefined when the address is not known to be private. */
export function publicTwinOf(endpointUrl: string): string | undefined {
  if (!URL.canParse(endpointUrl)) return undefined
  const url = new URL(endpointUrl)
  const match = PRIVATE_HOST.exec(url.hostname)
  return match ? `${url.protocol}//${match[1]}.${match[2]}` : undefined
}
