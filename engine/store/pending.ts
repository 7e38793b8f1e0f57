/** What of the journal waits, counted by what it is. Pure. */
import type { Row } from './database.ts'

export type Pending = {
  /** Everything that waits, whatever it is. */
  readonly files: number
  readonly bytes: number
  /** Of these, what is no file: new folders; renames, deletions and attributes. Absent: none. */
  readonly other?: { readonly folders: number; readonly changes: number }
}

/** Columns of one row for `pendingOf`. */
export const PENDING = `count(*) AS files, coalesce(sum(bytes), 0) AS bytes,
  coalesce(sum(op = 'marker'), 0) AS folders,
  coalesce(sum(op IN ('attributes', 'move', 'delete')), 0) AS changes`

export function pendingOf(row: Row | undefined): Pending {
  const [folders, changes] = [Number(row?.folders), Number(row?.changes)]
  const pending = { files: Number(row?.files), bytes: Number(row?.bytes) }
  return folders + changes > 0 ? { ...pending, other: { folders, changes } } : pending
}

export function sumOfPending(parts: readonly Pending[]): Pending {
  const sum = (of: (part: Pending) => number) => parts.reduce((all, part) => all + of(part), 0)
  const row = {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    folders: sum(({ other }) => other?.folders ?? 0),
    changes: sum(({ other }) => other?.changes ?? 0),
  }
  return pendingOf(row)
}

/** As a status carries it. */
export function pendingFigures({ files, bytes, other }: Pending) {
  const figures = { pendingFiles: files, pendingBytes: bytes }
  return other ? { ...figures, pendingOther: { ...other } } : figures
}
