/**
 * What has to leave a place in the bucket before something else is stored there.
 *
 * Keeps: what waits for something that waits for a person waits for that person, too, for the same
 *        cause: it is told, and whoever gives the one another try gives it to the other.
 */
import { isErrorCode, PailError } from '../../shared/errors.ts'
import type { JournalRow } from '../store/journal.ts'
import type { NodeRow } from '../store/nodes.ts'
import { hasLeftBelow } from './left-attempts.ts'
import { plannedMoves } from './move-plan.ts'
import { MovePrefixes } from './move-prefixes.ts'
import type { Tree } from './tree.ts'

/**
 * Moves that take another directory's objects away from where a new directory's own object shall be:
 * they would take that along.
 */
export function movesAway(
  tree: Tree,
  node: NodeRow,
  moves: Pick<MovePrefixes, 'takingAway'> = new MovePrefixes(tree),
): JournalRow[] {
  if (node.kind !== 'directory' || node.parent === null || node.remoteKey !== null) return []
  return moves.takingAway(tree.keyOf(node))
}

/** Rows that take what another node has under `key` to that node's path. */
export function rowsFreeing(tree: Tree, key: string, except: number): JournalRow[] {
  const holders = tree.holdersOf(key, except)
  if (holders.length === 0) return []
  const own = holders.flatMap(({ id }) => tree.journal.ofNode(id))
  const above = tree.journal.directoryMoves(tree.volume).filter((row) => key.startsWith(row.key))
  return [...own.filter(({ op }) => op === 'put' || op === 'move'), ...above]
}

/**
 * Does `key` lie where a directory is about to leave? What that has there may not all be known, and
 * its move would find the two mixed.
 */
export function isBeingLeft(tree: Tree, key: string): boolean {
  return tree.journal.directoryMoves(tree.volume).some((move) => {
    if (move.state !== 'waiting' || !key.startsWith(move.key)) return false
    const directory = move.node === null ? undefined : tree.nodes.byId(move.node)
    return (
      directory !== undefined && directory.parent !== null && tree.keyOf(directory) !== move.key
    )
  })
}

/**
 * Waits something below the prefix to be deleted, or to be moved to where its file is now? It may be
 * all that keeps the prefix alive; and so may copies that a move makes there, whose directory has it
 * in the end. For a prefix that no directory of the tree has.
 */
export function isLeavingBelow(tree: Tree, prefix: string): boolean {
  const { database, volume } = tree
  const range = [volume, prefix, `${prefix}\u{10ffff}`] as const
  const isDeleted = database.get(
    `SELECT 1 FROM journal WHERE volume = ? AND op = 'delete' AND key >= ? AND key < ? LIMIT 1`,
    ...range,
  )
  if (isDeleted || hasLeftBelow(tree, prefix)) return true
  const isMovedAway = database.get(
    'SELECT 1 FROM node WHERE volume = ? AND remote_key >= ? AND remote_key < ? AND parent > 0 LIMIT 1',
    ...range,
  )
  return isMovedAway !== undefined || plannedMoves(tree).some(({ target }) => target === prefix)
}

/** @throws PailError the failure of one of the rows that waits for a person */
export function checkFreed(rows: readonly JournalRow[]): void {
  for (const { state, key, errorCode, errorDetail } of rows) {
    if (state !== 'failed' || errorCode === null || !isErrorCode(errorCode)) continue
    throw new PailError(errorCode, `has to leave first: ${errorDetail ?? ''}`, { key })
  }
}
