/**
 * What the keys of a volume may do below each mounted prefix, as far as requests have shown it.
 *
 * Owns:  the facts, which the database keeps for the next mount. Runs in: engine process.
 * Keeps: `no` to writing only after a scratch object was refused where listing is allowed: one
 *        object may be locked, and a server may refuse everything for a while.
 * Never: asks anything before a write was refused.
 */
import { PailError } from '../../shared/errors.ts'
import type { Right, Rights } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { ObjectStore } from '../s3/object-store.ts'

/** Between two looks whether the keys may write now. */
const CHECK_INTERVAL_MS = 10_000
const UNKNOWN: Rights = { list: 'unknown', read: 'unknown', write: 'unknown', delete: 'unknown' }

const RIGHT_OF: Partial<Record<keyof ObjectStore, keyof Rights>> = {
  list: 'list',
  get: 'read',
  put: 'write',
  copy: 'write',
  createMultipart: 'write',
  uploadPart: 'write',
  completeMultipart: 'write',
  delete: 'delete',
  deleteBatch: 'delete',
}

export type RightsParts = {
  readonly clock: Clock
  readonly log: Log
  readonly load: (prefix: string) => Rights | undefined
  readonly save: (prefix: string, rights: Rights) => void
  /** Tries to write below the prefix, and leaves nothing behind. */
  readonly check: (prefix: string) => Promise<Right>
  readonly onDidChange: () => void
}

type Known = { rights: Rights; checkedMs: number; isChecking: boolean }

export class RightsBook {
  readonly #parts: RightsParts
  readonly #known = new Map<string, Known>()

  constructor(parts: RightsParts) {
    this.#parts = parts
  }

  /** Of a prefix that is mounted. Where writing was refused in an earlier life, it is tried again. */
  open(prefix: string): void {
    if (this.#known.has(prefix)) return
    const rights = this.#parts.load(prefix) ?? UNKNOWN
    this.#known.set(prefix, { rights, checkedMs: Number.NEGATIVE_INFINITY, isChecking: false })
    if (rights.write === 'no') this.recheck(prefix)
  }

  of(prefix: string): Rights {
    return this.#known.get(prefix)?.rights ?? UNKNOWN
  }

  mayWrite(prefix: string): boolean {
    return this.of(prefix).write !== 'no'
  }

  /** Other keys: nothing is known of them. */
  forget(): void {
    for (const known of this.#known.values()) known.rights = UNKNOWN
    this.#parts.onDidChange()
  }

  /** How a request ended. */
  note(operation: keyof ObjectStore, key: string, error: PailError | undefined): void {
    const right = RIGHT_OF[operation]
    if (!right || (error && error.code !== 'auth/denied')) return
    for (const [prefix, known] of this.#known) {
      if (!key.startsWith(prefix)) continue
      if (!error) this.#set(prefix, known, { [right]: 'yes' })
      else if (right === 'write') this.recheck(prefix)
      else if (known.rights[right] === 'unknown') this.#set(prefix, known, { [right]: 'no' })
    }
  }

  /** A write was refused, by the server or by us: is it still so? */
  recheck(prefix: string): void {
    const known = this.#known.get(prefix)
    const nowMs = this.#parts.clock.monotonicMs()
    if (!known || known.isChecking || nowMs - known.checkedMs < CHECK_INTERVAL_MS) return
    known.isChecking = true
    known.checkedMs = nowMs
    this.#parts
      .check(prefix)
      .then((write) => {
        if (write !== 'unknown') this.#set(prefix, known, { write })
      })
      .catch((thrown) => {
        // Nothing was learnt: the next refusal asks again.
        this.#parts.log.write('info', 'rights/unchecked', { code: PailError.from(thrown).code })
      })
      .finally(() => {
        known.isChecking = false
      })
  }

  #set(prefix: string, known: Known, change: Partial<Rights>): void {
    const rights = { ...known.rights, ...change }
    const isSame = (Object.keys(rights) as Array<keyof Rights>).every(
      (right) => rights[right] === known.rights[right],
    )
    if (isSame) return
    known.rights = rights
    this.#parts.save(prefix, rights)
    this.#parts.onDidChange()
  }
}
