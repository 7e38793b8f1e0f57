/**
 * What a person decided about two versions of one file.
 *
 * Keeps: every decision is an ordinary change of the tree, with its journal row: it works offline,
 *        survives a crash, and meets a newer version in the bucket like any other change does.
 */
import { PailError } from '../../shared/errors.ts'
import type { ConflictRow, Conflicts } from '../store/conflicts.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Recent } from '../store/recent.ts'
import type { Tree } from './tree.ts'
import { removeEntry, renameEntry } from './tree-edit.ts'

export type Resolution = 'mine' | 'theirs' | 'both'

export type ResolveParts = {
  readonly tree: Tree
  readonly conflicts: Conflicts
  readonly recent: Recent
}

/** Mounts hear of it as of a change in the bucket: none of their programs made it. */
const ORIGIN = 'remote'

/**
 * @param theirsEtag the bucket's version that the decision is about
 * @throws PailError `conflict/over` when one of the two is gone, or theirs is another version
 */
export async function resolveConflict(
  parts: ResolveParts,
  conflict: ConflictRow,
  { keep, theirsEtag }: { readonly keep: Resolution; readonly theirsEtag?: string | undefined },
): Promise<void> {
  const { tree, conflicts, recent } = parts
  const { volume, key } = conflict
  if (keep === 'mine') await keepMine(parts, conflict, theirsEtag)
  else if (keep === 'theirs') await removeEntry(tree, oursOf(parts, conflict), ORIGIN)
  await tree.change(() => {
    conflicts.remove(conflict.id)
    recent.note({ volume, kind: 'resolved', key, name: keep, atMs: tree.clock.nowMs() })
  })
}

/** Ours takes the place of theirs, whose version is the condition of the upload or the move. */
async function keepMine(
  parts: ResolveParts,
  conflict: ConflictRow,
  theirsEtag: string | undefined,
): Promise<void> {
  const { tree } = parts
  const ours = oursOf(parts, conflict)
  const theirs = theirsOf(parts, conflict)
  if (theirsEtag !== undefined && theirs.etag !== theirsEtag) {
    throw new PailError('conflict/over', 'the bucket has a newer version', { key: conflict.key })
  }
  await renameEntry(tree, {
    row: ours,
    directory: tree.directory(theirs.parent ?? tree.rootId),
    name: theirs.name,
    replaced: theirs,
    origin: ORIGIN,
  })
}

function oursOf({ tree }: ResolveParts, conflict: ConflictRow): NodeRow {
  const row = tree.nodes.byId(conflict.ours)
  if (row?.parent == null) throw over(conflict)
  return row
}

/** @returns the file with the bucket's version, also when a crash came before it was on record */
export function theirsOf({ tree }: Pick<ResolveParts, 'tree'>, conflict: ConflictRow): NodeRow {
  const row =
    conflict.theirs === null ? tree.findByKey(conflict.key) : tree.nodes.byId(conflict.theirs)
  if (row?.parent == null || row.id === conflict.ours || row.kind === 'directory') {
    throw over(conflict)
  }
  return row
}

function over({ key }: ConflictRow): PailError {
  return new PailError('conflict/over', 'one of the two versions is gone', { key })
}
