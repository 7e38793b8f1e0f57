/** Sizes and counts in words, the same in the window, the tray and the command line. Pure. */

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Decimal, as file managers show it: `0 bytes`, `999 bytes`, `1.2 kB`, `310 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes === 1) return '1 byte'
  let value = Math.max(0, bytes)
  let unit = 0
  // 999.5 of a unit would print as 1,000 of it.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** `1 file`, `2 files`, `12,000 files`. */
export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** What waits, as a status counts it. */
export type PendingFigures = {
  readonly pendingFiles: number
  readonly pendingBytes: number
  /** Of these, what is no file. */
  readonly pendingOther?: { readonly folders: number; readonly changes: number } | undefined
}

/** `3 files, 310 MB`: folders and changes go with their files, and are told when they are alone. */
export function pendingWords(pending: PendingFigures): string {
  const files = filesOf(pending)
  if (files > 0) return `${formatCount(files, 'file')}, ${formatBytes(pending.pendingBytes)}`
  return otherWords(pending)
}

/** `1 folder and 2 changes`; empty when only files wait. */
export function otherWords({ pendingOther }: PendingFigures): string {
  const { folders = 0, changes = 0 } = pendingOther ?? {}
  const words = [
    ...(folders > 0 ? [formatCount(folders, 'folder')] : []),
    ...(changes > 0 ? [formatCount(changes, 'change')] : []),
  ]
  return words.join(' and ')
}

export function pendingSentence(pending: PendingFigures): string {
  const goal = filesOf(pending) > 0 ? 'upload' : 'make in the bucket'
  return `${pendingWords(pending)} still to ${goal}`
}

function filesOf({ pendingFiles, pendingOther }: PendingFigures): number {
  return pendingFiles - (pendingOther?.folders ?? 0) - (pendingOther?.changes ?? 0)
}

export const ALL_UPLOADED = 'Everything you saved is in the bucket'
