/**
 * The server's address as typed, and the region it is signed for. Pure.
 */
import { PailError } from '../shared/errors.ts'
import { Endpoint } from '../shared/model.ts'

const REGION_DEFAULT = 'us-east-1'

/** Hosts that name their region: IBM Cloud Object Storage, AWS, and those that follow AWS. */
const REGION_IN_HOST = [
  /^s3\.(?:private\.|direct\.)?([a-z0-9-]+)\.cloud-object-storage\.appdomain\.cloud$/,
  /^s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?$/,
  /^s3\.([a-z0-9-]+)\.(?:wasabisys\.com|backblazeb2\.com|scw\.cloud|io\.cloud\.ovh\.net)$/,
]

export function regionInHost(host: string): string | undefined {
  for (const pattern of REGION_IN_HOST) {
    const region = pattern.exec(host)?.[1]
    if (region) return region
  }
  return undefined
}

/** @throws PailError `input/invalid` */
export function parseEndpoint(text: string, region: string | undefined): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new PailError(
      'input/invalid',
      'The endpoint is not an address like https://s3.example.com',
    )
  }
  // An address stands in process lists and logs: keys in it would as well.
  if (url.username !== '' || url.password !== '') {
    throw new PailError('input/invalid', 'The endpoint holds keys, which never go into an address')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new PailError('input/invalid', 'The endpoint has something after its address')
  }
  const chosen = region ?? regionInHost(url.hostname) ?? REGION_DEFAULT
  const parsed = Endpoint.safeParse({ url: text.replace(/\/+$/, ''), region: chosen })
  if (!parsed.success) throw new PailError('input/invalid', 'The endpoint or region is not valid')
  return parsed.data
}
