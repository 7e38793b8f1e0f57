/** What an endpoint was seen to honour and to refuse, remembered for a while: endpoints are upgraded. */
import { z } from 'zod'
import { Rights } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'
import type { EndpointMemory } from '../s3/endpoint-memory.ts'
import type { Capabilities } from '../s3/object-store.ts'
import type { Database } from '../store/database.ts'

const FACT_AGE_MS_MAX = 30 * 24 * 3600 * 1000
const CAPABILITIES = 'capabilities'
const REGION = 'region'
const PLAIN = 'plain'

const CapabilitiesSchema = z.object({
  conditionalPut: z.boolean(),
  conditionalComplete: z.boolean(),
  uploadPartCopy: z.boolean(),
  etagIsMd5: z.boolean().optional(),
})

export class EndpointFacts implements EndpointMemory {
  readonly #database: Database
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #endpoint: string
  readonly #bucket: string

  /** Of a bucket at an address: two buckets of one address may behave differently. */
  constructor(
    { database, clock }: { readonly database: Database; readonly clock: Pick<Clock, 'nowMs'> },
    { url, bucket }: { readonly url: string; readonly bucket: string },
  ) {
    this.#database = database
    this.#clock = clock
    this.#endpoint = `${url} ${bucket}`
    this.#bucket = bucket
  }

  capabilities(): Capabilities | undefined {
    const text = this.#read(CAPABILITIES)
    if (text === undefined) return undefined
    const parsed = CapabilitiesSchema.safeParse(JSON.parse(text))
    if (!parsed.success) return undefined
    const { etagIsMd5, ...rest } = parsed.data
    return etagIsMd5 === undefined ? rest : { ...rest, etagIsMd5 }
  }

  save(capabilities: Capabilities): void {
    this.#write(CAPABILITIES, JSON.stringify(capabilities))
  }

  note(name: keyof Capabilities, isThere: boolean): void {
    const known = this.capabilities()
    if (known) this.save({ ...known, [name]: isThere })
  }

  regionOf(bucket: string): string | undefined {
    return bucket === this.#bucket ? this.#read(REGION) : undefined
  }

  noteRegion(bucket: string, region: string): void {
    if (bucket === this.#bucket) this.#write(REGION, region)
  }

  get isPlain(): boolean {
    return this.#read(PLAIN) !== undefined
  }

  notePlain(): void {
    this.#write(PLAIN, 'true')
  }

  /** @param keys  names the keys without telling them */
  rights(prefix: string, keys: string): Rights | undefined {
    const text = this.#read(`rights ${keys} ${prefix}`)
    return text === undefined ? undefined : Rights.safeParse(JSON.parse(text)).data
  }

  saveRights(prefix: string, keys: string, rights: Rights): void {
    this.#write(`rights ${keys} ${prefix}`, JSON.stringify(rights))
  }

  #read(name: string): string | undefined {
    const row = this.#database.get(
      'SELECT value, at_ms FROM endpoint_fact WHERE endpoint = ? AND name = ?',
      this.#endpoint,
      name,
    )
    const isRecent = row && this.#clock.nowMs() - Number(row.at_ms) <= FACT_AGE_MS_MAX
    return isRecent ? String(row.value) : undefined
  }

  #write(name: string, value: string): void {
    this.#database.writeLater(() => {
      this.#database.run(
        `INSERT INTO endpoint_fact (endpoint, name, value, at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (endpoint, name) DO UPDATE SET value = excluded.value, at_ms = excluded.at_ms`,
        this.#endpoint,
        name,
        value,
        this.#clock.nowMs(),
      )
    })
  }
}
