/**
 * Tells requests that an operation asked for from polls of folders in use, by the server's log.
 *
 * Keeps: a poll is what docs/OFFLINE.md allows: one listing of a folder that was listed before, and
 *        not less than AFTER_CHANGE_MS ago. Whatever else is listed was asked for by an operation.
 */
import { AFTER_CHANGE_MS } from '../../engine/sync/poll-plan.ts'

/** The log's times are whole seconds. */
const ROUNDING_MS = 1_000

type Listing = {
  readonly atMs: number
  readonly prefix: string
  /** Everything below the prefix, not its own entries alone. */
  readonly isFlat: boolean
  readonly isContinued: boolean
}

const MONTHS =
  'January February March April May June July August September October November December'
const TIME = /\[(\d+)\/(\w+)\/(\d+):(\d+):(\d+):(\d+) \+0000\]/

/** Reads one server's log from its beginning, piece by piece. */
export class Polls {
  #listings: Listing[] = []
  #wasPoll = false

  /** @param lines what came since the last call @returns those that an operation asked for */
  without(lines: readonly string[]): string[] {
    return lines.filter((line) => {
      const listing = parse(line)
      if (!listing) return true
      const isPoll = listing.isContinued ? this.#wasPoll : this.#isPoll(listing)
      this.#wasPoll = isPoll
      this.#listings.push(listing)
      return !isPoll
    })
  }

  #isPoll({ atMs, prefix, isFlat }: Listing): boolean {
    if (isFlat) return false
    const before = this.#listings.filter(
      (other) => other.prefix === prefix || (other.isFlat && prefix.startsWith(other.prefix)),
    )
    const lastMs = Math.max(...before.map((other) => other.atMs))
    return before.length > 0 && atMs - lastMs >= AFTER_CHANGE_MS - ROUNDING_MS
  }
}

function parse(line: string): Listing | undefined {
  const query = / s3_ListObjectsV2 \S+ [^ ?]*\?(\S*) /.exec(line)?.[1]
  if (query === undefined) return undefined
  const asked = new URLSearchParams(query)
  return {
    atMs: timeOf(line),
    prefix: asked.get('prefix') ?? '',
    isFlat: !asked.has('delimiter'),
    isContinued: asked.has('continuation-token'),
  }
}

function timeOf(line: string): number {
  const [, day, month = '', year, ...time] = TIME.exec(line) ?? []
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number)
  const monthIndex = MONTHS.split(' ').indexOf(month)
  return Date.UTC(Number(year), monthIndex, Number(day), hours, minutes, seconds)
}
