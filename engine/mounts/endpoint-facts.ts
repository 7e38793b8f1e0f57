/** What an endpoint was seen to honour, remembered for a while: endpoints are upgraded. */
import { z } from 'zod'
import type { Capabilities } from '../s3/object-store.ts'
import type { Database } from '../store/database.ts'

const FACT_AGE_MS_MAX = 30 * 24 * 3600 * 1000
const NAME = 'capabilities'

const CapabilitiesSchema = z.object({
  conditionalPut: z.boolean(),
  conditionalComplete: z.boolean(),
  uploadPartCopy: z.boolean(),
  etagIsMd5: z.boolean().optional(),
})

export class EndpointFacts {
  readonly #database: Database
  readonly #endpoint: string

  /** @param endpoint address and bucket: two buckets of one address may behave differently */
  constructor(database: Database, endpoint: string) {
    this.#database = database
    this.#endpoint = endpoint
  }

  capabilities(nowMs: number): Capabilities | undefined {
    const row = this.#database.get(
      'SELECT value, at_ms FROM endpoint_fact WHERE endpoint = ? AND name = ?',
      this.#endpoint,
      NAME,
    )
    if (!row || nowMs - Number(row.at_ms) > FACT_AGE_MS_MAX) return undefined
    const parsed = CapabilitiesSchema.safeParse(JSON.parse(String(row.value)))
    if (!parsed.success) return undefined
    const { etagIsMd5, ...rest } = parsed.data
    return etagIsMd5 === undefined ? rest : { ...rest, etagIsMd5 }
  }

  save(capabilities: Capabilities, nowMs: number): void {
    this.#database.writeLater(() => {
      this.#database.run(
        `INSERT INTO endpoint_fact (endpoint, name, value, at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (endpoint, name) DO UPDATE SET value = excluded.value, at_ms = excluded.at_ms`,
        this.#endpoint,
        NAME,
        JSON.stringify(capabilities),
        nowMs,
      )
    })
  }

  note(name: keyof Capabilities, isThere: boolean, nowMs: number): void {
    const known = this.capabilities(nowMs)
    if (known) this.save({ ...known, [name]: isThere }, nowMs)
  }
}
