/**
 * What the headers of an object say of the archive that it is in (pure).
 */
import { isArchiveClass } from '../../shared/archive.ts'
import type { ArchiveStatus } from './object-store.ts'

const ONGOING = /(?:^|[\s,])ongoing-request\s*=\s*"?(true|false)"?/i
const EXPIRY = /(?:^|[\s,])expiry-date\s*=\s*"([^"]+)"/i

/**
 * @returns undefined for an object that is in no archive
 *
 * A header that says neither "ongoing" nor until when tells of no copy: IBM Deep Archive sends it
 * before and after one. Objects that Amazon moves between tiers by itself keep their class, come back
 * for good, and tell of the archive in a header of its own.
 */
export function archiveStatusOf(
  headers: Readonly<Record<string, string>>,
): ArchiveStatus | undefined {
  const restore = headers['x-amz-restore'] ?? ''
  if (ONGOING.exec(restore)?.[1]?.toLowerCase() === 'true') return { state: 'restoring' }
  const untilMs = Date.parse(EXPIRY.exec(restore)?.[1] ?? '')
  if (Number.isFinite(untilMs)) return { state: 'restored', untilMs }
  const isArchived =
    isArchiveClass(headers['x-amz-storage-class']) || headers['x-amz-archive-status'] !== undefined
  return isArchived ? { state: 'archived' } : undefined
}
