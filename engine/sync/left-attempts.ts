/**
 * Versions that uploads of ours may have left under a key from which their file was renamed away.
 *
 * Keeps: what an upload may have stored before its answer was lost is looked for under the key to
 *        which it was sent, whatever the file is called by now: nobody else would take it away.
 */
import type { Etag, ObjectInfo } from '../s3/object-store.ts'
import type { JournalRow } from '../store/journal.ts'
import { isLeftByUs, judgeAttempt, type ProofParts } from './attempt-proof.ts'
import { plannedMoves, plannedTarget, unansweredItems } from './move-plan.ts'
import type { Tree } from './tree.ts'
import { isSameEtag } from './upload-proof.ts'
import {
  type Attempt,
  attemptedIn,
  decodeUploadRecord,
  EMPTY_UPLOAD_RECORD,
  encodeUploadRecord,
  isSameAttempt,
} from './upload-record.ts'

/** What a directory's own object is, stored by whomever. */
const EMPTY_ETAG = '"d41d8cd98f00b204e9800998ecf8427e"' as Etag

/** Kept before a directory's own object is stored: it may land though its answer is lost. */
export const MARKER_ATTEMPT = encodeUploadRecord({
  ...EMPTY_UPLOAD_RECORD,
  attempted: [{ etag: EMPTY_ETAG, sizeBytes: 0 }],
})

/**
 * A row of its own sees to them, as for a file that was removed. Inside a change of the tree, while
 * `row` still has the old key.
 */
export function leaveAttempts(tree: Tree, row: JournalRow): void {
  const attempted = attemptedIn(row.record)
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  // There the file's own object lies: it is replaced, or deleted, once the content is stored elsewhere.
  if (attempted.length === 0 || node?.remoteKey === row.key) return
  const { volume, journal } = tree
  const known = journal.attempts
    .at(volume, row.key)
    .filter(({ seq, node: of }) => seq !== row.seq && of === null)
    .flatMap(({ record }) => attemptedIn(record))
  if (attempted.every((one) => known.some((other) => isSameAttempt(one, other)))) return
  insertGivenUp(tree, row, attempted)
}

/** A copy that may have been made, of whose answer nobody heard. Inside a change of the tree. */
export function leaveCopy(tree: Tree, key: string, { etag, sizeBytes, key: source }: Copied): void {
  insertGivenUp(tree, { op: 'put', key }, [{ etag, sizeBytes, source }])
}

/** As `leaveCopy`, for a directory's move that is given up. */
export function leaveCopies(tree: Tree, move: JournalRow): void {
  const target = plannedTarget(move)
  if (target === undefined) return
  for (const { source, etag, sizeBytes } of unansweredItems(tree, move.seq)) {
    const copy = target + source.slice(move.key.length)
    leaveCopy(tree, copy, { key: source, etag: etag as Etag, sizeBytes })
  }
}

type Copied = Pick<ObjectInfo, 'key' | 'etag' | 'sizeBytes'>

function insertGivenUp(
  { journal, volume, clock }: Tree,
  { op, key }: Pick<JournalRow, 'op' | 'key'>,
  attempted: readonly Attempt[],
): void {
  const source = attempted.find((one) => one.source !== undefined)?.source ?? null
  journal.insert({
    ...{ volume, op, node: null, key, state: 'cancelled', readyMs: clock.nowMs() },
    record: encodeUploadRecord({ ...EMPTY_UPLOAD_RECORD, attempted }),
    source,
  })
}

/** The copy of `sourceEtag` is the object of a file now. Inside a change of the tree. */
export function settleAttempts({ journal, volume }: Tree, key: string, sourceEtag: Etag): void {
  for (const { seq, op, node, record } of journal.attempts.at(volume, key)) {
    if (op !== 'put' || node !== null || !record) continue
    const { attempted, multipart, opening, orphans } = decodeUploadRecord(record)
    if (multipart || opening || orphans.length > 0) continue
    if (attempted.every(({ etag }) => etag !== undefined && isSameEtag(etag, sourceEtag)))
      journal.remove(seq)
  }
}

/** Versions that requests of ours may have stored at the key, for whatever file that was. */
export function attemptedAt(tree: Tree, key: string): Attempt[] {
  const rows = tree.journal.attempts.at(tree.volume, key)
  return [...rows.flatMap(({ record }) => attemptedIn(record)), ...copiedTo(tree, key)]
}

/** Copies that a directory's move may have made there, and makes again when it goes on. */
function copiedTo(tree: Tree, key: string): Attempt[] {
  const moves = plannedMoves(tree).filter(({ target }) => key.startsWith(target))
  return moves.flatMap(({ seq, key: from, target }) => {
    const source = from + key.slice(target.length)
    const items = unansweredItems(tree, seq).filter((item) => item.source === source)
    return items.map(({ etag, sizeBytes }) => ({ etag: etag as Etag, sizeBytes, source }))
  })
}

/**
 * May the object be on its way out of the bucket? A program removed it, or an upload of ours left it
 * whose file is gone or has another path. Where ETags are no digests, what looks like that counts as
 * well, until it has been looked at.
 */
export function mayBeGoing(tree: Tree, object: ObjectInfo): boolean {
  const { isRemoved, left } = leavingAt(tree, object.key)
  const isOther = (attempt: Attempt) =>
    judgeAttempt(attempt, object, tree.hasOpaqueEtags) === 'other'
  return isRemoved || !left.every(isOther)
}

/** As `mayBeGoing`, for certain. */
export async function isGoing(tree: Tree, object: ObjectInfo, proof: ProofParts): Promise<boolean> {
  const { isRemoved, left } = leavingAt(tree, object.key)
  return isRemoved || isLeftByUs(proof, left, object)
}

function leavingAt({ journal, volume }: Tree, key: string) {
  const rows = journal.attempts.leaving(volume, key)
  return { isRemoved: rows.some(({ op }) => op === 'delete'), left: rows.flatMap(leftBy) }
}

/** May something of that kind be all that keeps the prefix alive? */
export function hasLeftBelow({ journal, volume }: Tree, prefix: string): boolean {
  const rows = journal.attempts.givenUpBelow(volume, prefix, ROWS_LOOKED_AT_MAX)
  return rows.some((row) => leftBy(row).length > 0)
}

/** More are given up at once only where a whole folder was removed: what is there shows a while. */
const ROWS_LOOKED_AT_MAX = 50

function leftBy({ state, record }: JournalRow): readonly Attempt[] {
  return state === 'cancelled' ? attemptedIn(record) : []
}
