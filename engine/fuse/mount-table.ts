/**
 * Which file systems are mounted where, from /proc/self/mountinfo: never asks a mount itself.
 */
import { readFile } from 'node:fs/promises'

const MOUNT_TABLE = '/proc/self/mountinfo'

export type MountedFileSystem = {
  /** Major and minor number, for instance `0:39`. */
  readonly device: string
  readonly dir: string
  /** For instance `fuse.pail`. */
  readonly type: string
  readonly source: string
}

/** In the order of mounting: the last one on a folder is the one that is seen. */
export function parseMountTable(text: string): MountedFileSystem[] {
  return text.split('\n').flatMap((line) => {
    // See proc(5): fields, then optional ones, then ` - type source options`.
    const [before, after] = line.split(' - ')
    const [, , device, , dir] = before?.split(' ') ?? []
    const [type, source] = after?.split(' ') ?? []
    if (!device || !dir || !type || source === undefined) return []
    return [{ device, dir: decodeOctal(dir), type, source: decodeOctal(source) }]
  })
}

/** The kernel writes space, tab, newline and backslash in octal. */
function decodeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

export async function readMountTable(): Promise<MountedFileSystem[]> {
  return parseMountTable(await readFile(MOUNT_TABLE, 'utf8'))
}

/** What is mounted exactly on `dir` (an absolute path without symbolic links), topmost. */
export async function mountedOn(dir: string): Promise<MountedFileSystem | undefined> {
  return (await readMountTable()).findLast((mounted) => mounted.dir === dir)
}
