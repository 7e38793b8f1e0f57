/** What the tray's menu lists. Pure. */
import type { MountRow, WindowStatus } from '../shared/window-contract.ts'
import { windowVerdict } from '../shared/window-verdict.ts'

/** More mounts than this would not fit a menu on a laptop's screen. */
const TRAY_MOUNTS_MAX = 15
const TRAY_TRANSFERS_MAX = 5
/** Characters of a file's name; a menu has no place for more. */
const TRAY_NAME_MAX = 40

export type TrayModel = {
  /** The verdict. */
  readonly tooltip: string
  readonly isPaused: boolean
  readonly isWorkingOffline: boolean
  /** What is under way, without figures: a menu that changes while it is open closes. */
  readonly transfers: readonly string[]
  readonly mounts: ReadonlyArray<{ readonly label: string; readonly dir: string }>
}

export function trayModel(status: WindowStatus): TrayModel {
  const mounts = status.mounts
    .filter(({ state }) => state === 'mounted' || state === 'offline')
    .slice(0, TRAY_MOUNTS_MAX)
    .map((mount) => ({ label: labelOf(mount), dir: mount.dir }))
  return {
    tooltip: windowVerdict(status).sentence,
    isPaused: status.sync?.isPaused === true,
    isWorkingOffline: status.isWorkingOffline === true,
    transfers: transfersOf(status),
    mounts,
  }
}

function labelOf({ bucket, prefix }: MountRow): string {
  return prefix === '' ? bucket : `${bucket}/${prefix.replace(/\/$/, '')}`
}

function transfersOf({ sync }: WindowStatus): string[] {
  const entries = sync?.queue.entries ?? []
  return entries
    .filter(({ state }) => state === 'running')
    .slice(0, TRAY_TRANSFERS_MAX)
    .map(({ direction, path }) => `${direction === 'up' ? '↑' : '↓'} ${shortName(path)}`)
}

function shortName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.length <= TRAY_NAME_MAX ? name : `${name.slice(0, TRAY_NAME_MAX - 1)}…`
}
