/** Looks for a secret where it must not be: in files, in processes' arguments and environments. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns the files below `folder` that hold `needle` */
export function filesWith(folder: string, needle: string): string[] {
  return filesBelow(folder).filter((path) => contentOf(path).includes(needle))
}

/** @returns `pid name` for each process of the family whose arguments or environment hold `needle` */
export function processesWith(rootPid: number, needle: string): string[] {
  return family(rootPid).flatMap((pid) =>
    ['cmdline', 'environ']
      .filter((name) => contentOf(`/proc/${pid}/${name}`).includes(needle))
      .map((name) => `${pid} ${name}`),
  )
}

/** The process and everything below it. */
export function family(rootPid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(contentOf(`/proc/${name}/stat`).toString())?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const members = [rootPid]
  // The list grows while it is walked.
  for (const member of members) {
    for (const [pid, parent] of parents) if (parent === member) members.push(pid)
  }
  return members
}

function filesBelow(folder: string): string[] {
  const isFile = (item: Dirent) => item.isFile()
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(isFile)
    .map((item) => join(item.parentPath, item.name))
}

/** Processes and temporary files come and go: one that is gone holds nothing. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}
