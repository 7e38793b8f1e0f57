/**
 * Addresses and signs requests that did not come from a command of the SDK.
 *
 * Keeps: the address is the one that the SDK's own rules give to the bucket, asked once for each;
 *        the signature is made by the SDK's own signer, with the keys of its client.
 * Never: addresses a bucket when an object was meant.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { assert } from '../base/assert.ts'
import { type DirectRequest, encodeKey } from './direct-requests.ts'
import type { SignedRequest } from './transport.ts'

type Signer = Awaited<ReturnType<S3Client['config']['signer']>>

type BucketAddress = {
  readonly protocol: string
  readonly hostname: string
  readonly port: number | undefined
  readonly host: string
  /** Ends with the bucket, where it is part of the path, and with a slash. */
  readonly path: string
  readonly signingRegion: string
  readonly signingService: string
}

export type Place = { readonly url: string; readonly region: string; readonly isPathStyle: boolean }

const BUCKETS_MAX = 256
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export class DirectSender {
  readonly #client: S3Client
  readonly #place: Place
  readonly #addresses = new Map<string, BucketAddress>()
  #signer: Promise<Signer> | undefined

  constructor(client: S3Client, place: Place) {
    this.#client = client
    this.#place = place
  }

  async sign(bucket: string, request: DirectRequest, atMs: number): Promise<SignedRequest> {
    const { method, key, query = {}, headers = {}, body } = request
    assert(key !== '', 'a request about an object names it')
    const { protocol, hostname, port, host, path, ...signing } = this.#address(bucket)
    this.#signer ??= this.#client.config.signer()
    const signer = await this.#signer
    return signer.sign(
      {
        method,
        protocol,
        hostname,
        ...(port === undefined ? {} : { port }),
        path: key === undefined ? path : path + encodeKey(key),
        query,
        headers: { 'x-amz-content-sha256': EMPTY_SHA256, ...headers, host, 'user-agent': 'pail' },
        body,
      },
      { signingDate: new Date(atMs), ...signing },
    )
  }

  #address(bucket: string): BucketAddress {
    const known = this.#addresses.get(bucket)
    if (known) return known
    if (this.#addresses.size >= BUCKETS_MAX) this.#addresses.clear()
    const address = this.#findAddress(bucket)
    this.#addresses.set(bucket, address)
    return address
  }

  #findAddress(bucket: string): BucketAddress {
    const { url: endpoint, region, isPathStyle } = this.#place
    const { url, properties } = this.#client.config.endpointProvider({
      Bucket: bucket,
      Region: region,
      Endpoint: endpoint,
      ForcePathStyle: isPathStyle,
      DisableS3ExpressSessionAuth: true,
      UseArnRegion: false,
      UseFIPS: false,
      UseDualStack: false,
      Accelerate: false,
      UseGlobalEndpoint: false,
      DisableMultiRegionAccessPoints: false,
    })
    const { signingRegion = region, signingName = 's3' } = firstScheme(properties) ?? {}
    return {
      protocol: url.protocol,
      hostname: url.hostname,
      port: url.port === '' ? undefined : Number(url.port),
      host: url.host,
      path: `${url.pathname.replace(/\/$/, '')}/`,
      signingRegion,
      signingService: signingName,
    }
  }
}

type Scheme = { readonly signingRegion?: string; readonly signingName?: string }

function firstScheme(properties: Record<string, unknown> | undefined): Scheme | undefined {
  // The SDK types what its rules return no further; its own signing reads the same fields.
  const schemes = properties?.authSchemes as readonly Scheme[] | undefined
  return schemes?.[0]
}
