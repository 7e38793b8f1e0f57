/**
 * Which rows of the journal may start now. Decides, starts nothing.
 *
 * Keeps: rows of one node in order; one row at a time for a key; nothing runs inside a directory
 *        that is being moved; what lies under a key leaves before something else is stored there
 *        (waiting is always for an earlier row, so that nobody waits in a circle); a deletion waits while something is to be written to its key, whose
 *        outcome then takes the deletion's place.
 */
import type { JournalRow } from '../store/journal.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { FileContents } from './file-contents.ts'
import { movesAway } from './leaving.ts'
import { MovePrefixes } from './move-prefixes.ts'
import type { IsHeldBack, SendFolders } from './send-folders.ts'
import type { Tree } from './tree.ts'

/** A file that a program keeps open for writing is uploaded this long after its last sync. */
const OPEN_WRITER_WAIT_MS = 30_000
/** Rows looked at in one go. */
const PAGE_ROWS = 100
/** Deletions in one request. */
export const DELETE_BATCH_MAX = 1000

/** Deletions wait for more of them no longer than this. */
const DELETE_GATHER_MS_MAX = 3_000

export type Runnable = {
  readonly rows: readonly JournalRow[]
  readonly nodes: readonly number[]
  readonly keys: readonly string[]
}

export type OrderFacts = {
  readonly tree: Tree
  readonly contents: FileContents
  readonly sends: SendFolders
  readonly nowMs: number
  readonly isHurrying: boolean
  readonly busyNodes: ReadonlySet<number>
  readonly busyKeys: ReadonlySet<string>
  readonly countMax: number
}

export function findRunnable(facts: OrderFacts): Runnable[] {
  const found: Runnable[] = []
  const deletions: JournalRow[] = []
  const nodes = new Set(facts.busyNodes)
  const keys = new Set(facts.busyKeys)
  const moves = new MovePrefixes(facts.tree)
  const isGathering = isStillDeleting(facts)
  const isHeldBack = facts.sends.holds()
  let after = 0
  while (found.length < facts.countMax) {
    const rows = facts.tree.journal.ready(facts.tree.volume, facts.nowMs, after, PAGE_ROWS)
    for (const row of rows) {
      if (found.length >= facts.countMax) break
      if (facts.tree.isRunning(row) || (row.op === 'delete' && isGathering)) continue
      // Many wait for few moves: that is found out first, before anything is looked up for them.
      if (isBehindMove(facts, row, row.key, moves)) continue
      const claim = claimOf(facts, row)
      if (claim.nodes.some((node) => nodes.has(node))) continue
      if (claim.keys.some((key) => keys.has(key))) continue
      if (isDirectoryMove(row) && isUnderWayBelow(claim.keys, keys)) continue
      if (isBlocked(facts, row, claim.keys, { moves, isHeldBack })) continue
      for (const node of claim.nodes) nodes.add(node)
      for (const key of claim.keys) keys.add(key)
      if (row.op !== 'delete') found.push({ rows: [row], ...claim })
      else if (deletions.length < DELETE_BATCH_MAX) deletions.push(row)
    }
    const last = rows.at(-1)
    if (!last || rows.length < PAGE_ROWS) break
    after = last.seq
  }
  if (deletions.length > 0) {
    found.push({ rows: deletions, nodes: [], keys: deletions.map((row) => row.key) })
  }
  return found
}

/** `rm -r` goes on: a little later one request deletes more of it. */
function isStillDeleting({ tree, nowMs, isHurrying }: OrderFacts): boolean {
  if (isHurrying) return false
  const row = tree.database.get(
    `SELECT count(*) AS n, min(ready_ms) AS first, max(ready_ms) AS last FROM journal
     WHERE volume = ? AND op = 'delete' AND attempts = 0`,
    tree.volume,
  )
  const [count, firstMs, lastMs] = [Number(row?.n), Number(row?.first), Number(row?.last)]
  // One more than a batch tells whether a person has to be asked first.
  if (count === 0 || count > DELETE_BATCH_MAX || lastMs <= nowMs) return false
  return nowMs - firstMs < DELETE_GATHER_MS_MAX
}

function nodeOf(tree: Tree, row: JournalRow): NodeRow | undefined {
  return row.node === null ? undefined : tree.nodes.byId(row.node)
}

/** Everything the row reads or writes in the bucket. */
function claimOf(facts: OrderFacts, row: JournalRow): { nodes: number[]; keys: string[] } {
  const node = nodeOf(facts.tree, row)
  const keys = new Set([row.key])
  if (node && node.parent !== null) keys.add(facts.tree.keyOf(node))
  if (node?.remoteKey) keys.add(node.remoteKey)
  const nodes = row.node === null ? [] : [row.node]
  for (const key of keys) {
    for (const holder of facts.tree.holdersOf(key, row.node)) nodes.push(holder.id)
  }
  return { nodes, keys: [...keys] }
}

function isBlocked(
  facts: OrderFacts,
  row: JournalRow,
  keys: readonly string[],
  { moves, isHeldBack }: { moves: MovePrefixes; isHeldBack: IsHeldBack },
): boolean {
  if (keys.some((key) => isBehindMove(facts, row, key, moves))) return true
  if (row.op === 'put' && isStillWritten(facts, row)) return true
  if (row.op === 'delete' && writerOf(facts.tree, row.key)) return true
  if (facts.tree.hasOpaqueEtags && isWitness(facts, row, keys)) return true
  if (isOutOfTurn(facts, row) || isKeyHeld(facts, row)) return true
  if (row.op === 'marker' && isInTheWay(facts, row, moves)) return true
  return isHeldBack(row, keys)
}

function isStillWritten(facts: OrderFacts, row: JournalRow): boolean {
  if (row.node === null || row.state === 'cancelled') return false
  const content = facts.contents.peek(row.node)
  if (!content) return false
  if (content.isDirty) return true
  const isOpen = facts.contents.isOpenForWriting(row.node)
  if (!isOpen || facts.isHurrying) return false
  // Its files are one whole only when it is closed, however long it rests before.
  if (facts.contents.writers.isDatabase(row.node)) return true
  return facts.nowMs - row.readyMs < OPEN_WRITER_WAIT_MS
}

/** Something that is to be stored under the key takes its place, and knows what it replaces. */
function writerOf(tree: Tree, key: string): JournalRow | undefined {
  const writer = tree.journal.writerOf(tree.volume, key)
  if (writer) return writer
  const node = tree.findByKey(key)
  return node && tree.journal.opOfNode(node.id, 'move')
}

/**
 * May a copy of what the row takes away or replaces be left somewhere, that only it can be compared
 * with? Where ETags are no digests, that is settled before.
 */
function isWitness({ tree }: OrderFacts, row: JournalRow, keys: readonly string[]): boolean {
  const { attempts } = tree.journal
  if (row.state === 'cancelled') return false
  if (isDirectoryMove(row)) {
    const isEarlier = ({ seq }: JournalRow) => seq < row.seq
    return keys.some((key) => attempts.copiesOfBelow(tree.volume, key).some(isEarlier))
  }
  const node = nodeOf(tree, row)
  // A file's own move only reads what it has; what it leaves behind has a deletion of its own.
  const isForPath = row.op === 'put' || row.op === 'move'
  const changed = isForPath && node && node.parent !== null ? tree.keyOf(node) : row.key
  return attempts.copiesOf(tree.volume, changed).length > 0
}

/** Does anything wait below `prefix` that goes on without a person? */
export function isGoingOn(tree: Tree, prefix: string): boolean {
  let after = 0
  for (;;) {
    const rows = tree.journal.waiting(tree.volume, prefix, after, PAGE_ROWS)
    for (const row of rows) {
      // What a row replaces waits with it.
      const isHeld = row.op === 'delete' && writerOf(tree, row.key)?.state === 'failed'
      if (!isHeld) return true
    }
    const last = rows.at(-1)
    if (!last || rows.length < PAGE_ROWS) return false
    after = last.seq
  }
}

/** An earlier row of the same node goes first, unless it waits for a person. */
function isOutOfTurn(facts: OrderFacts, row: JournalRow): boolean {
  if (row.node === null) return false
  return facts.tree.journal
    .ofNode(row.node)
    .some((other) => other.seq < row.seq && other.state !== 'failed')
}

/** Another file's object lies where this one shall be, and an earlier row takes it away. */
function isKeyHeld(facts: OrderFacts, row: JournalRow): boolean {
  const { tree } = facts
  const node = nodeOf(tree, row)
  if (!node || node.parent === null || row.op === 'delete' || row.op === 'marker') return false
  return tree
    .holdersOf(tree.keyOf(node), node.id)
    .some((holder) =>
      tree.journal
        .ofNode(holder.id)
        .some((other) => other.seq < row.seq && other.state !== 'failed'),
    )
}

/** No move waits for the object of a new directory, so that here even later ones go first. */
function isInTheWay({ tree }: OrderFacts, row: JournalRow, moves: MovePrefixes): boolean {
  const node = nodeOf(tree, row)
  return node !== undefined && movesAway(tree, node, moves).some(({ state }) => state !== 'failed')
}

function isDirectoryMove(row: JournalRow): boolean {
  return row.op === 'move' && row.key.endsWith('/')
}

/** What began inside a directory before its move ends first: it does not know of the copies. */
function isUnderWayBelow(prefixes: readonly string[], busyKeys: ReadonlySet<string>): boolean {
  for (const key of busyKeys) if (prefixes.some((prefix) => key.startsWith(prefix))) return true
  return false
}

/** Does the row touch what a directory's move reads or writes? Then the move goes first. */
function isBehindMove(
  { tree, sends }: OrderFacts,
  row: JournalRow,
  key: string,
  moves: MovePrefixes,
): boolean {
  const touching = moves.touching(key)
  const crossing = isDirectoryMove(row) ? [...touching, ...moves.inside(key)] : touching
  return crossing.some((move) => {
    if (move.seq === row.seq) return false
    if (tree.isRunning(move)) return true
    // The rename of a send folder waits until the marker has left: the marker goes first.
    return move.seq < row.seq && move.state === 'waiting' && !sends.isMarkerDeletion(row)
  })
}
