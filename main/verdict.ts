/** What the tray says, derived from the status. Pure. The window has the same sentence. */
import type { WindowStatus } from '../shared/window-contract.ts'

export type Verdict = 'idle' | 'working' | 'offline' | 'attention'

export function verdictOf(status: WindowStatus): Verdict {
  const { mounts, engine } = status
  const needsPerson = mounts.some(
    ({ state, errors }) =>
      errors.length > 0 ||
      state === 'failed' ||
      state === 'needs-sign-in' ||
      state === 'read-only-fault',
  )
  if (needsPerson) return 'attention'
  if (mounts.some(({ state }) => state === 'offline')) return 'offline'
  const isBusy = mounts.some((mount) => mount.pendingFiles > 0 || mount.state === 'starting')
  return isBusy || engine.state !== 'running' ? 'working' : 'idle'
}
