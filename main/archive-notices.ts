/**
 * What the desktop tells of archived files: that one was wanted, and that some can be read.
 *
 * Keeps: a folder full of previews is one notice, not hundreds.
 */
import { basename, dirname } from 'node:path'
import type { Clock } from '../engine/base/clock.ts'
import type { EngineNews } from '../shared/engine-contract.ts'
import { formatCount } from '../shared/sentences.ts'

export type FileNews = Extract<EngineNews, { event: 'files/restored' | 'files/unavailable' }>

/** `dir`: the folder that a click opens; absent: the window tells more. */
export type Notice = { readonly title: string; readonly body: string; readonly dir?: string }

/** Between two notices of files of one folder that are archived. */
export const NOTICE_EVERY_MS = 10 * 60_000
/** Folders remembered; the oldest is forgotten first. */
const FOLDERS_MAX = 500

export class ArchiveNotices {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #toldMs = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** @returns undefined when nothing is to be told */
  of(news: FileNews): Notice | undefined {
    if (news.event === 'files/unavailable') return this.#wanted(news.value)
    const { dir, count, paths } = news.value
    const [first = dir] = paths
    const name = basename(first)
    const title =
      count === 1 ? `${name} can be read now` : `${formatCount(count, 'file')} can be read now`
    return { title, body: 'Restored from the archive.', dir: dirname(first) }
  }

  #wanted({
    path,
    why,
    sentence,
  }: Extract<FileNews, { event: 'files/unavailable' }>['value']): Notice | undefined {
    if (why !== 'archived') return undefined
    const folder = dirname(path)
    const nowMs = this.#clock.monotonicMs()
    const toldMs = this.#toldMs.get(folder)
    if (toldMs !== undefined && nowMs - toldMs < NOTICE_EVERY_MS) return undefined
    this.#toldMs.delete(folder)
    this.#toldMs.set(folder, nowMs)
    const [oldest] = this.#toldMs.keys()
    if (this.#toldMs.size > FOLDERS_MAX && oldest !== undefined) this.#toldMs.delete(oldest)
    return { title: `${basename(path)} is archived`, body: sentence ?? 'Restore it to read it.' }
  }
}
