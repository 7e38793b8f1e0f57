/** The tray's icon, derived from the verdict that the window shows as well. Pure. */
import type { WindowStatus } from '../shared/window-contract.ts'
import { type WindowVerdictKind, windowVerdict } from '../shared/window-verdict.ts'

export type Verdict = 'idle' | 'working' | 'offline' | 'attention'

const ICONS: Readonly<Record<WindowVerdictKind, Verdict>> = {
  none: 'idle',
  done: 'idle',
  working: 'working',
  paused: 'offline',
  offline: 'offline',
  attention: 'attention',
}

export function trayVerdict(status: WindowStatus): Verdict {
  return ICONS[windowVerdict(status).kind]
}
