/** What is kept on this computer, in words. Pure. */
import type { PinCheckView, PinTotalView } from '../../shared/keeping-contract.ts'
import { formatBytes, formatCount } from '../../shared/sentences.ts'
import type { Tone } from './tone.ts'

type Progress = Pick<PinTotalView, 'files' | 'bytes' | 'readyFiles' | 'readyBytes' | 'percent'>

export function pinTone({ percent, problem }: PinTotalView): Tone {
  if (problem) return 'attention'
  return percent === 100 ? 'good' : 'busy'
}

/** `All 120 files, 3.4 GB` or `12 of 120 files, 310 MB of 3.4 GB`. */
export function pinAmount({ files, bytes, readyFiles, readyBytes, percent }: Progress): string {
  if (files === 0) return 'Nothing in it yet'
  if (percent === 100) {
    return `${files === 1 ? '1 file' : `All ${formatCount(files, 'file')}`}, ${formatBytes(bytes)}`
  }
  const count = `${readyFiles.toLocaleString('en-US')} of ${formatCount(files, 'file')}`
  return `${count}, ${formatBytes(readyBytes)} of ${formatBytes(bytes)}`
}

export function problemSentence({ problem }: PinTotalView): string | undefined {
  if (!problem) return undefined
  const { neededBytes, roomBytes } = problem
  return `${formatBytes(neededBytes)} more are needed, and there is room for ${formatBytes(roomBytes)}. Free space on this disk, or keep less.`
}

export type CheckVerdict = { readonly tone: Tone; readonly title: string; readonly text: string }

export function checkVerdict(check: PinCheckView): CheckVerdict {
  const repaired =
    check.repairedFiles > 0
      ? ` ${formatCount(check.repairedFiles, 'file')} had been damaged on this disk and ${check.repairedFiles === 1 ? 'was' : 'were'} fetched again.`
      : ''
  if (check.isReady) {
    return {
      tone: 'good',
      title: 'Ready for a flight',
      text: `${pinAmount(check)} on this computer, read and compared just now.${repaired}`,
    }
  }
  if (check.readyFiles === check.files) {
    return {
      tone: 'quiet',
      title: 'Ready, as far as this computer knows',
      text: `${pinAmount(check)} on this computer. What others changed meanwhile could not be asked for.${repaired}`,
    }
  }
  const missing = formatCount(check.missingCount, 'file')
  return {
    tone: 'attention',
    title: 'Not ready yet',
    text: `${missing} ${check.missingCount === 1 ? 'is' : 'are'} not on this computer.${repaired}`,
  }
}
