/** Endpoint addresses as people type them, and the region in them. Pure. */
import { isLoopback, isUnprotected } from '../../shared/protection.ts'

/** IBM's public locations: 13 regional, 3 cross-region, 6 single data centres. */
const IBM_LOCATIONS = [
  'us-south',
  'us-east',
  'eu-de',
  'eu-gb',
  'eu-es',
  'au-syd',
  'jp-tok',
  'jp-osa',
  'ca-tor',
  'ca-mon',
  'br-sao',
  'in-che',
  'in-mum',
  'us',
  'eu',
  'ap',
  'ams03',
  'che01',
  'mon01',
  'par01',
  'sjc04',
  'sng01',
] as const

export const IBM_ENDPOINTS: readonly string[] = IBM_LOCATIONS.map(
  (location) => `https://s3.${location}.cloud-object-storage.appdomain.cloud`,
)

const REGION_PATTERNS = [
  /^s3\.(?:private\.|direct\.)?([a-z0-9-]+)\.cloud-object-storage\.appdomain\.cloud$/,
  /^s3[.-](?:dualstack\.)?([a-z]{2}-[a-z-]+-\d)\.amazonaws\.com$/,
  /^s3\.([a-z0-9-]+)\.(?:backblazeb2|wasabisys|scw\.cloud|io\.cloud\.ovh)\.(?:com|net|cloud)$/,
]

const DEFAULT_REGION = 'us-east-1'

/** Adds `https://` where the scheme is missing; leaves everything else as typed. */
export function completeUrl(typed: string): string {
  const text = typed.trim().replace(/(?<=[^:/])\/+$/, '')
  if (text === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text
  return `${isLoopback(text.split(/[:/]/)[0] ?? '') ? 'http' : 'https'}://${text}`
}

/** @returns what is wrong with an endpoint, as a sentence; undefined when nothing is */
export function endpointFault(typed: string): string | undefined {
  const url = completeUrl(typed)
  if (url === '') return 'Type the address of the S3 endpoint.'
  if (!URL.canParse(url)) return 'This is not a web address.'
  const { protocol, hostname, pathname } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return 'Use an https address.'
  if (hostname === '') return 'This is not a web address.'
  if (pathname.endsWith('/v2/endpoints')) {
    return 'The endpoints address in the credential is not an S3 endpoint. Choose the location of your bucket.'
  }
  return undefined
}

/** @returns a warning for addresses that would send data in the open */
export function endpointWarning(typed: string): string | undefined {
  const url = completeUrl(typed)
  return isUnprotected(url) ? 'Without https, anyone on the way can read your files.' : undefined
}

export function regionOf(typed: string): string {
  const url = completeUrl(typed)
  if (!URL.canParse(url)) return DEFAULT_REGION
  const { hostname } = new URL(url)
  for (const pattern of REGION_PATTERNS) {
    const region = pattern.exec(hostname)?.[1]
    if (region !== undefined) return region
  }
  return DEFAULT_REGION
}

/** A first name for a connection: the location for IBM, else the host. */
export function nameFor(typed: string): string {
  const url = completeUrl(typed)
  if (!URL.canParse(url)) return ''
  const { hostname } = new URL(url)
  if (hostname.endsWith('.cloud-object-storage.appdomain.cloud')) return `IBM ${regionOf(url)}`
  if (hostname.endsWith('.amazonaws.com')) return `AWS ${regionOf(url)}`
  return isLoopback(hostname) ? 'This computer' : hostname
}
