/** The tone of the sentence at the foot of the sidebar. Pure. */
import type { WindowStatus } from '../../shared/window-contract.ts'
import {
  type WindowVerdict,
  type WindowVerdictKind,
  windowVerdict,
} from '../../shared/window-verdict.ts'
import type { Tone } from './tone.ts'

const TONES: Readonly<Record<WindowVerdictKind, Tone>> = {
  none: 'quiet',
  done: 'good',
  working: 'busy',
  paused: 'quiet',
  offline: 'quiet',
  attention: 'attention',
}

export function verdict(status: WindowStatus): WindowVerdict & { readonly tone: Tone } {
  const told = windowVerdict(status)
  return { ...told, tone: TONES[told.kind] }
}
