/**
 * Which programs keep a mounted folder in use: read from /proc, without asking the mount anything.
 *
 * Keeps: bounded in time and in number. The links of /proc are answered by the kernel from what it
 *        holds in memory, so that a mount that hangs does not hang this.
 * Never: reads the mappings of a process that waits in the kernel: it may hold the very lock.
 */
import * as fs from 'node:fs/promises'
import type { HolderView } from '../../shared/unmounting.ts'
import type { Clock } from '../base/clock.ts'

const HOLDERS_MAX = 50
const PATHS_MAX = 5
/** Enough for some thousand processes; then the answer says that it is not complete. */
const LOOK_MS_MAX = 1_500
/** One process may not take longer: its mappings are given up. */
const MAPS_MS_MAX = 200

export type Holders = {
  readonly holders: readonly HolderView[]
  /** False: there was no time, or no room, for all of them; or processes of others hide theirs. */
  readonly isComplete: boolean
}

export type HolderParts = {
  readonly clock: Clock
  /** Where the processes are told of; another folder in tests. */
  readonly proc?: string
  readonly ownPid?: number
}

export async function findHolders(dir: string, parts: HolderParts): Promise<Holders> {
  const { clock, proc = '/proc', ownPid = process.pid } = parts
  const endMs = clock.monotonicMs() + LOOK_MS_MAX
  const look = { dir, proc, clock, endMs, mayReadMaps: true }
  const holders: HolderView[] = []
  let isComplete = true
  for (const name of await namesIn(proc)) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === ownPid) continue
    if (clock.monotonicMs() > endMs || holders.length >= HOLDERS_MAX) {
      isComplete = false
      break
    }
    const paths = await pathsOf(look, pid)
    if (paths.length > 0) holders.push({ pid, program: await programOf(proc, pid), paths })
  }
  return { holders, isComplete }
}

type Look = {
  readonly dir: string
  readonly proc: string
  readonly clock: Clock
  readonly endMs: number
  /** Off after one process did not let its mappings be read in time. */
  mayReadMaps: boolean
}

/** What of the folder the process uses, at most PATHS_MAX; the working directory first. */
async function pathsOf(look: Look, pid: number): Promise<string[]> {
  const base = `${look.proc}/${pid}`
  const found = new Set<string>()
  for (const name of ['cwd', 'root', 'exe']) {
    await note(look, `${base}/${name}`, found)
  }
  for (const descriptor of await namesIn(`${base}/fd`)) {
    if (found.size >= PATHS_MAX || look.clock.monotonicMs() > look.endMs) break
    await note(look, `${base}/fd/${descriptor}`, found)
  }
  if (found.size < PATHS_MAX && look.mayReadMaps) await noteMapped(look, base, found)
  return [...found].slice(0, PATHS_MAX)
}

async function note(look: Look, link: string, found: Set<string>): Promise<void> {
  try {
    const path = await fs.readlink(link)
    if (isBelow(look.dir, path)) found.add(path)
  } catch {
    // The process ended, or belongs to somebody else.
  }
}

async function noteMapped(look: Look, base: string, found: Set<string>): Promise<void> {
  try {
    const stat = await fs.readFile(`${base}/stat`, 'latin1')
    if (/\) D /.test(stat)) return
    const done = new AbortController()
    const late = look.clock.sleep(MAPS_MS_MAX, done.signal).then(() => undefined)
    late.catch(() => {})
    const maps = await Promise.race([fs.readFile(`${base}/maps`, 'utf8'), late])
    done.abort()
    if (maps === undefined) look.mayReadMaps = false
    for (const line of maps?.split('\n') ?? []) {
      const at = line.indexOf('/')
      if (at > 0 && isBelow(look.dir, line.slice(at))) found.add(line.slice(at))
    }
  } catch {
    // The process ended, or belongs to somebody else.
  }
}

function isBelow(dir: string, path: string): boolean {
  return path === dir || path.startsWith(`${dir}/`)
}

async function programOf(proc: string, pid: number): Promise<string> {
  try {
    return (await fs.readFile(`${proc}/${pid}/comm`, 'utf8')).trim()
  } catch {
    return ''
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder)
  } catch {
    return []
  }
}
