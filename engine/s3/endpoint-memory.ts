/**
 * What a client learnt of an endpoint by being refused, kept so that it is refused once.
 *
 * Never: holds anything of the keys or of the content.
 */
export interface EndpointMemory {
  /** The region that requests to the bucket must be signed for, when it is not the one given. */
  regionOf(bucket: string): string | undefined
  noteRegion(bucket: string, region: string): void
  /** The server refuses an MD5 beside the signed digest of a body. */
  readonly isPlain: boolean
  notePlain(): void
}

/** Buckets whose regions are remembered. */
const REGIONS_MAX = 64

/** For one client's life. */
export class ShortEndpointMemory implements EndpointMemory {
  readonly #regions = new Map<string, string>()
  isPlain = false

  regionOf(bucket: string): string | undefined {
    return this.#regions.get(bucket)
  }

  noteRegion(bucket: string, region: string): void {
    if (this.#regions.size >= REGIONS_MAX) this.#regions.clear()
    this.#regions.set(bucket, region)
  }

  notePlain(): void {
    this.isPlain = true
  }
}
