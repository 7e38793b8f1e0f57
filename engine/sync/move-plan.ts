/** The plan of a directory's move as its row of the journal keeps it: where everything goes. */
import { PailError } from '../../shared/errors.ts'
import type { JournalRow } from '../store/journal.ts'
import type { MoveItem } from '../store/move-items.ts'
import { decodeRecord, encodeRecord } from '../store/record.ts'
import type { Tree } from './tree.ts'

const PLAN_VERSION = 1

/** Objects copied side by side within one move. */
export const COPIES_MAX = 16

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

/**
 * What may have been copied although no answer told so: copies are made in the order of keys, so many
 * at once.
 */
export function unansweredItems(tree: Tree, seq: number): MoveItem[] {
  return tree.journal.moveItems.page(seq, false, '', COPIES_MAX)
}

/** Moves that go on by a plan: all of them, or those which the object `source` belongs to. */
export function plannedMoves(
  tree: Tree,
  source?: string,
): Array<{ readonly seq: number; readonly key: string; readonly target: string }> {
  return tree.journal.directoryMoves(tree.volume).flatMap((move) => {
    const isOfPlan = source === undefined || source.startsWith(move.key)
    const target = isOfPlan ? plannedTarget(move) : undefined
    return target === undefined ? [] : [{ seq: move.seq, key: move.key, target }]
  })
}
