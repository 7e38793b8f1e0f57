/** The one sentence at the foot of the sidebar. Pure. */
import { ALL_UPLOADED, formatCount, pendingSentence } from '../../shared/sentences.ts'
import type { WindowStatus } from '../../shared/window-contract.ts'
import { stateTone } from './mount-state.ts'
import type { Tone } from './tone.ts'

export type Verdict = { readonly tone: Tone; readonly sentence: string }

/** The first that holds: a person is needed; the engine is away; work is left; all is well. */
export function verdict(status: WindowStatus): Verdict {
  const { mounts, engine } = status
  const files = mounts.reduce((sum, { errors }) => sum + errors.length, 0)
  if (files > 0) {
    return {
      tone: 'attention',
      sentence: `${formatCount(files, 'file')} ${files === 1 ? 'needs' : 'need'} attention`,
    }
  }
  const folders = mounts.filter(({ state }) => stateTone(state) === 'attention').length
  if (folders > 0) {
    return {
      tone: 'attention',
      sentence: `${formatCount(folders, 'folder')} ${folders === 1 ? 'needs' : 'need'} attention`,
    }
  }
  const { pendingFiles, pendingBytes } = pendingOf(status)
  if (status.isWorkingOffline) {
    const waiting = pendingFiles > 0 ? `: ${pendingSentence(pendingFiles, pendingBytes)}` : ''
    return { tone: 'quiet', sentence: `Working offline${waiting}` }
  }
  if (pendingFiles > 0)
    return { tone: 'busy', sentence: pendingSentence(pendingFiles, pendingBytes) }
  if (engine.state === 'restarting') {
    return { tone: 'busy', sentence: engine.reason ?? 'The engine restarts' }
  }
  if (mounts.length === 0) return { tone: 'quiet', sentence: 'No folders yet' }
  return { tone: 'good', sentence: ALL_UPLOADED }
}

export function pendingOf(status: WindowStatus): {
  readonly pendingFiles: number
  readonly pendingBytes: number
} {
  return status.mounts.reduce(
    (sum, mount) => ({
      pendingFiles: sum.pendingFiles + mount.pendingFiles,
      pendingBytes: sum.pendingBytes + mount.pendingBytes,
    }),
    { pendingFiles: 0, pendingBytes: 0 },
  )
}
