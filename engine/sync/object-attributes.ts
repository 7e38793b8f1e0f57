/**
 * What Pail writes beside an object's bytes, in the form that s3fs and rclone read. Pure.
 *
 * @see s3fs: x-amz-meta-mode, -uid, -gid as decimal numbers, the mode with its file-type bits;
 *      x-amz-meta-mtime as seconds. rclone reads the same mtime, with up to nine decimals.
 */
import mime from 'mime'
import type { PutAttributes, UserMetadata } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'

const FILE_TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const
const NS_PER_S = 1_000_000_000n
export const DIRECTORY_CONTENT_TYPE = 'application/x-directory'
const CONTENT_TYPE_UNKNOWN = 'application/octet-stream'

/** Whole seconds, or seconds, a point and nine digits. */
export function secondsText(stamp: bigint): string {
  const seconds = stamp / NS_PER_S
  const rest = stamp % NS_PER_S
  return rest === 0n ? `${seconds}` : `${seconds}.${rest.toString().padStart(9, '0')}`
}

/** Attributes for a new version; `kept` is what another tool wrote and nobody here understands. */
export function attributesOf(row: NodeRow, kept: UserMetadata = {}): PutAttributes {
  return {
    metadata: {
      ...kept,
      mode: String(FILE_TYPE_BITS[row.kind] | row.mode),
      uid: String(row.uid),
      gid: String(row.gid),
      mtime: secondsText(row.mtime),
    },
    contentType:
      row.kind === 'directory'
        ? DIRECTORY_CONTENT_TYPE
        : (mime.getType(row.name) ?? CONTENT_TYPE_UNKNOWN),
  }
}
