/**
 * Compares the cache folder with its rows after a start, in the background.
 *
 * Files without a row are removed; rows without a file are forgotten; a file that takes more room
 * than its row says (a kill between data and row) is counted at its real size.
 * Never: opens a file, follows a link, fails the start.
 */
import type { Disk } from '../base/disk.ts'
import type { Log } from '../base/log.ts'
import type { BlockIndex, FileRow } from './block-index.ts'

const ROWS_PAGE = 64

export type ReconcileParts = {
  readonly disk: Disk
  readonly folder: string
  readonly log: Log
  readonly index: BlockIndex
  readonly pathOf: (name: string) => string
  readonly isStopped: () => boolean
  readonly onMissing: (file: FileRow) => Promise<void>
  readonly onLarger: (file: FileRow, bytes: number) => void
}

export async function reconcileFolder(parts: ReconcileParts): Promise<void> {
  try {
    await removeStrangers(parts)
    await checkRows(parts)
  } catch (thrown) {
    parts.log.write('warn', 'cache/reconcile', { error: String(thrown) })
  }
}

async function removeStrangers({ disk, folder, index, isStopped, log }: ReconcileParts) {
  for (const part of await disk.list(folder)) {
    const inside = `${folder}/${part}`
    const names = await disk.list(inside).catch(() => undefined)
    // Not a folder, so not ours.
    if (!names) await disk.remove(inside)
    for (const name of names ?? []) {
      if (isStopped()) return
      if (index.isFileName(name) && name.startsWith(part)) continue
      log.write('info', 'cache/stranger', { name })
      await disk.remove(`${inside}/${name}`).catch(() => {})
    }
  }
}

async function checkRows({ disk, index, pathOf, isStopped, ...on }: ReconcileParts) {
  const lastAtStart = index.lastFileId()
  let page = index.filesAfter(0, ROWS_PAGE)
  while (page.length > 0) {
    await Promise.all(
      page.map(async (file) => {
        if (isStopped() || file.id > lastAtStart) return
        const allocated = await disk.allocatedBytes(pathOf(file.name)).catch(() => undefined)
        if (isStopped() || !index.isFileName(file.name)) return
        if (allocated === undefined) await on.onMissing(file)
        else if (allocated > file.bytes) on.onLarger(file, allocated - file.bytes)
      }),
    )
    page = index.filesAfter(page.at(-1)?.id ?? 0, ROWS_PAGE)
  }
}
