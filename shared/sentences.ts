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

export function pendingSentence(files: number, bytes: number): string {
  return `${formatCount(files, 'file')}, ${formatBytes(bytes)} still to upload`
}

export const ALL_UPLOADED = 'Everything you saved is in the bucket'
