/** What the tray's menu lists. Pure. */
import { ALL_UPLOADED, formatCount, pendingSentence } from '../shared/sentences.ts'
import type { MountRow, WindowStatus } from '../shared/window-contract.ts'
import { verdictOf } from './verdict.ts'

/** More mounts than this would not fit a menu on a laptop's screen. */
const TRAY_MOUNTS_MAX = 15

export type TrayModel = {
  readonly tooltip: string
  readonly isWorkingOffline: boolean
  readonly mounts: ReadonlyArray<{ readonly label: string; readonly dir: string }>
}

export function trayModel(status: WindowStatus): TrayModel {
  const mounts = status.mounts
    .filter(({ state }) => state === 'mounted' || state === 'offline')
    .slice(0, TRAY_MOUNTS_MAX)
    .map((mount) => ({ label: labelOf(mount), dir: mount.dir }))
  return { tooltip: tooltipOf(status), isWorkingOffline: status.isWorkingOffline === true, mounts }
}

function labelOf({ bucket, prefix }: MountRow): string {
  return prefix === '' ? bucket : `${bucket}/${prefix.replace(/\/$/, '')}`
}

function tooltipOf(status: WindowStatus): string {
  const pendingFiles = status.mounts.reduce((sum, mount) => sum + mount.pendingFiles, 0)
  const pendingBytes = status.mounts.reduce((sum, mount) => sum + mount.pendingBytes, 0)
  const waiting = status.mounts.reduce((sum, mount) => sum + mount.errors.length, 0)
  if (waiting > 0)
    return `${formatCount(waiting, 'file')} ${waiting === 1 ? 'needs' : 'need'} attention`
  if (pendingFiles > 0) return pendingSentence(pendingFiles, pendingBytes)
  if (status.mounts.length === 0) return 'Pail: no folders yet'
  return verdictOf(status) === 'attention' ? 'A folder needs attention' : ALL_UPLOADED
}
