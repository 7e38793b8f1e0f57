/**
 * What the kernel says is mounted where, read from /proc/self/mountinfo. Pure.
 *
 * Reading that file never waits for a file system, so every decision about a path starts here.
 * @see proc_pid_mountinfo(5)
 */

export type MountEntry = {
  readonly mountPoint: string
  readonly fsType: string
  readonly source: string
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapePath(text: string): string {
  if (!text.includes('\\')) return text
  const bytes: number[] = []
  const raw = Buffer.from(text)
  for (let i = 0; i < raw.length; i++) {
    const octal = /^\\([0-3][0-7]{2})/.exec(raw.toString('latin1', i, i + 4))
    if (octal) {
      bytes.push(Number.parseInt(octal[1] ?? '', 8))
      i += 3
    } else {
      bytes.push(raw[i] ?? 0)
    }
  }
  return Buffer.from(bytes).toString()
}

/** Lines that do not have the documented shape are left out. */
export function parseMountInfo(text: string): readonly MountEntry[] {
  const entries: MountEntry[] = []
  for (const line of text.split('\n')) {
    const fields = line.split(' ')
    const separator = fields.indexOf('-', 6)
    const mountPoint = fields[4]
    const fsType = fields[separator + 1]
    const source = fields[separator + 2]
    if (separator < 0 || !mountPoint || !fsType || source === undefined) continue
    entries.push({
      mountPoint: unescapePath(mountPoint),
      fsType: unescapePath(fsType),
      source: unescapePath(source),
    })
  }
  return entries
}

/** What is mounted exactly on `path`: the newest of several, which hides the others. */
export function mountAt(entries: readonly MountEntry[], path: string): MountEntry | undefined {
  return entries.findLast((entry) => entry.mountPoint === path)
}

/** The mount that serves `path` itself or whatever is above it. */
export function mountCovering(
  entries: readonly MountEntry[],
  path: string,
): MountEntry | undefined {
  let best: MountEntry | undefined
  for (const entry of entries) {
    if (!isWithin(entry.mountPoint, path)) continue
    if (!best || entry.mountPoint.length >= best.mountPoint.length) best = entry
  }
  return best
}

/** Is `path` the folder itself, or below it? Both are absolute and normal. */
export function isWithin(folder: string, path: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}

export function isPail(entry: MountEntry): boolean {
  if (entry.fsType === 'fuse.pail') return true
  return entry.fsType === 'fuse' && (entry.source === 'pail' || entry.source.startsWith('pail:'))
}

/** FUSE file systems that stack on the local disk: a folder on them is as good as any other. */
const LOCAL_FUSE: ReadonlySet<string> = new Set([
  'fuse.bindfs',
  'fuse.cryfs',
  'fuse.encfs',
  'fuse.fuse-overlayfs',
  'fuse.gocryptfs',
  'fuse.mergerfs',
  'fuse.securefs',
  'fuse.unionfs',
])

/**
 * Served by a program that may be gone or wait for a network: a path below it can hang whoever
 * touches it. A root file system served by FUSE (some containers) is where everything lives.
 */
export function isRemoteFuse(entry: MountEntry): boolean {
  if (isPail(entry)) return true
  if (entry.mountPoint === '/' || LOCAL_FUSE.has(entry.fsType)) return false
  return entry.fsType === 'fuse' || entry.fsType.startsWith('fuse.')
}
