/** The plan of a directory's move as its row of the journal keeps it: where everything goes. */
import { PailError } from '../../shared/errors.ts'
import type { JournalRow } from '../store/journal.ts'
import { decodeRecord, encodeRecord } from '../store/record.ts'

const PLAN_VERSION = 1

type Plan = { readonly target: string }

export function encodePlan(target: string): Uint8Array {
  return encodeRecord(PLAN_VERSION, { target } satisfies Plan)
}

/** @returns undefined before the first look at what is to be moved */
export function plannedTarget({ record }: Pick<JournalRow, 'record'>): string | undefined {
  if (!record) return undefined
  const { version, value } = decodeRecord(record)
  if (version !== PLAN_VERSION) throw new PailError('store/too-new', `move plan ${version}`)
  return (value as Plan).target
}
