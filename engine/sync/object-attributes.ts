/**
 * What an object carries beside its bytes, in the form that s3fs and rclone read and write. Pure.
 *
 * Keeps: what nobody here understands stays on every rewrite. What a bucket says is believed as far
 *        as it is in range, and never about set-uid, set-gid and devices.
 *
 * @see s3fs: x-amz-meta-mode, -uid, -gid as decimal numbers, the mode with its file-type bits;
 *      x-amz-meta-mtime, -ctime, -atime as seconds. rclone reads and writes the same mtime, with up
 *      to nine decimals. s3fs takes the digits behind the point for nanoseconds: there must be nine.
 */

import mime from 'mime'
import { isArchiveClass } from '../../shared/archive.ts'
import type { ObjectFacts, PutAttributes, UserMetadata } from '../s3/object-store.ts'
import type { NodeKind, NodeRow } from '../store/nodes.ts'

const FILE_TYPE_MASK = 0o170000
const FILE_TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const
/** Permissions and the sticky bit: no bucket gives anybody's privileges away. */
const BELIEVED_MODE_MASK = 0o1777
const MODE_MAX = 0o177777
export const LINK_MODE = 0o777
const OWNER_MAX = 2 ** 32 - 2
const NS_PER_S = 1_000_000_000n
/** Stamps are 64-bit nanoseconds: from 1677 to 2262. What lies outside becomes the nearest. */
const STAMP_MAX = 2n ** 63n - 1n
/** s3fs says by it that it knows no time. */
const UNKNOWN_TIME = '-1'

export const DIRECTORY_CONTENT_TYPE = 'application/x-directory'
const CONTENT_TYPE_UNKNOWN = 'application/octet-stream'
/** Names and values together: Amazon's limit for what a PUT carries. */
export const METADATA_BYTES_MAX = 2048
/** Digests of the content that other tools keep: wrong beside any other content. */
const CONTENT_DIGESTS = [
  /** rclone, for objects of several parts. */
  'md5chksum',
  /** s3cmd, with an MD5 among other things. */
  's3cmd-attrs',
] as const

/** The longest target that symlink(2) takes, and so the longest body that can be one. */
export const LINK_BYTES_MAX = 4095
/** How rclone stores a symbolic link: an object of this name, whose body is the target. */
export const RCLONE_LINK_SUFFIX = '.rclonelink'

/** The nearest time that can be kept. */
export function clampStamp(stamp: bigint): bigint {
  if (stamp > STAMP_MAX) return STAMP_MAX
  return stamp < -STAMP_MAX ? -STAMP_MAX : stamp
}

/** Whole seconds, or seconds, a point and nine digits. */
export function secondsText(stamp: bigint): string {
  const distance = stamp < 0n ? -stamp : stamp
  const sign = stamp < 0n ? '-' : ''
  const rest = distance % NS_PER_S
  const digits = rest === 0n ? '' : `.${rest.toString().padStart(9, '0')}`
  return `${sign}${distance / NS_PER_S}${digits}`
}

/** @returns undefined for what is no time */
export function readSeconds(text: string | undefined): bigint | undefined {
  if (text === UNKNOWN_TIME) return undefined
  const found = /^(-?)(\d{1,18})(?:\.(\d{0,30}))?$/.exec(text ?? '')
  if (!found) return undefined
  const [, sign, seconds = '0', digits = ''] = found
  const distance = BigInt(seconds) * NS_PER_S + BigInt(digits.slice(0, 9).padEnd(9, '0'))
  return clampStamp(sign === '-' ? -distance : distance)
}

function readNumber(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}

/** What the metadata says, as far as it can be believed. */
export type FoundAttributes = {
  readonly kind?: NodeKind
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: bigint
  readonly ctime?: bigint
  readonly atime?: bigint
}

export function readAttributes({ metadata }: Pick<ObjectFacts, 'metadata'>): FoundAttributes {
  const found = {
    ...readMode(metadata.mode),
    uid: readNumber(metadata.uid, OWNER_MAX),
    gid: readNumber(metadata.gid, OWNER_MAX),
    mtime: readSeconds(metadata.mtime),
    ctime: readSeconds(metadata.ctime),
    atime: readSeconds(metadata.atime),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

function readMode(text: string | undefined): Pick<FoundAttributes, 'kind' | 'mode'> {
  const value = readNumber(text, MODE_MAX)
  if (value === undefined || value === 0) return {}
  const mode = value & BELIEVED_MODE_MASK
  const type = value & FILE_TYPE_MASK
  if (type === FILE_TYPE_BITS.symlink) return { kind: 'symlink', mode: LINK_MODE }
  if (type === FILE_TYPE_BITS.directory) return { kind: 'directory', mode }
  return type === FILE_TYPE_BITS.file ? { kind: 'file', mode } : { mode }
}

export type Rewrite = {
  /** What the version that is replaced carries; undefined: there is none. */
  readonly kept?: ObjectFacts | undefined
  /** Tags of that version. */
  readonly tags?: string
  readonly isNewContent: boolean
  /** Given: extended attributes travel along. `undefined` inside: there are none to tell of. */
  readonly xattrs?: { readonly text: string | undefined }
  /** Whose files this computer's user makes, when that user cannot give files away. */
  readonly onlyOwner?: Pick<NodeRow, 'uid' | 'gid'>
}

/** Attributes of a new version. */
export function attributesOf(row: NodeRow, rewrite: Rewrite): PutAttributes {
  const { kept, tags } = rewrite
  return {
    metadata: metadataFor(row, rewrite),
    contentType: contentTypeFor(row, kept),
    ...(kept?.headers ? { headers: kept.headers } : {}),
    // What is written anew is not put into an archive, where nobody could read it.
    ...(kept?.storageClass && !isArchiveClass(kept.storageClass)
      ? { storageClass: kept.storageClass }
      : {}),
    ...(tags ? { tags } : {}),
  }
}

function metadataFor(row: NodeRow, rewrite: Rewrite): UserMetadata {
  const kept = { ...rewrite.kept?.metadata }
  if (rewrite.isNewContent) for (const name of CONTENT_DIGESTS) delete kept[name]
  if (rewrite.xattrs) delete kept.xattr
  const metadata = {
    ...kept,
    mode: String(FILE_TYPE_BITS[row.kind] | row.mode),
    uid: ownerText(row.uid, rewrite.onlyOwner?.uid, kept.uid),
    gid: ownerText(row.gid, rewrite.onlyOwner?.gid, kept.gid),
    mtime: secondsText(row.mtime),
    // Where s3fs wrote them, they would go on to tell of the version before.
    ...(kept.ctime === undefined ? {} : { ctime: secondsText(row.ctime) }),
    ...(kept.atime === undefined ? {} : { atime: secondsText(row.atime) }),
  }
  const text = rewrite.xattrs?.text
  return text === undefined ? metadata : { ...metadata, xattr: text }
}

export function metadataBytes(metadata: UserMetadata): number {
  return Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  )
}

/** Files that another user made elsewhere stay that user's in the bucket. */
function ownerText(owner: number, only: number | undefined, kept: string | undefined): string {
  const keptOwner = readNumber(kept, OWNER_MAX)
  return String(only === owner && keptOwner !== undefined ? keptOwner : owner)
}

function contentTypeFor(row: NodeRow, kept: ObjectFacts | undefined): string {
  if (row.kind === 'directory') return DIRECTORY_CONTENT_TYPE
  return kept?.contentType ?? mime.getType(row.name) ?? CONTENT_TYPE_UNKNOWN
}

/** As the database keeps it. */
export function encodeFacts(facts: ObjectFacts): string {
  const { metadata, contentType, headers, storageClass, tagCount } = facts
  return JSON.stringify({ metadata, contentType, headers, storageClass, tagCount })
}

/** What is known of the version in the bucket; undefined: nothing. */
export function knownFacts(row: Pick<NodeRow, 'metadata'>): ObjectFacts | undefined {
  return row.metadata === null ? undefined : (JSON.parse(row.metadata) as ObjectFacts)
}

/** What a version carries that was stored with these attributes. */
export function factsOfStored(attributes: PutAttributes): ObjectFacts {
  const { tags, metadata = {}, ...rest } = attributes
  const tagCount = tags ? [...new URLSearchParams(tags)].length : 0
  return { ...rest, metadata, ...(tagCount > 0 ? { tagCount } : {}) }
}

/** How Hadoop stores a directory: an empty object of this name beside what is in it. */
const FOLDER_OBJECT_SUFFIX = '_$folder$'

/** @returns the directory that the component of a key stands for */
export function folderNameOf(component: string, sizeBytes: number): string | undefined {
  const isFolder = component.endsWith(FOLDER_OBJECT_SUFFIX) && sizeBytes === 0
  const name = isFolder ? component.slice(0, -FOLDER_OBJECT_SUFFIX.length) : ''
  return name === '' ? undefined : name
}

/** @param prefix of the directory, ending in a slash */
export function folderObjectOf(prefix: string): string {
  return prefix.slice(0, -1) + FOLDER_OBJECT_SUFFIX
}

/** Old versions of s3fs stored a directory as an empty object of its type, under a key without a slash. */
export function isSlashlessDirectory(
  sizeBytes: number,
  { contentType = '' }: ObjectFacts,
): boolean {
  const [type = ''] = contentType.split(';')
  return sizeBytes === 0 && type.trim().toLowerCase() === DIRECTORY_CONTENT_TYPE
}

/** Tells such an object from one that is stored in its place: all empty ones have the same ETag. */
export function slashlessVersion(etag: string, modifiedMs: number): string {
  return `${modifiedMs} ${etag}`
}

export function etagOfSlashless(version: string): string {
  return version.slice(version.indexOf(' ') + 1)
}

/** Is this component of a key rclone's way to store a link? @returns the link's name */
export function linkNameOf(component: string, sizeBytes: number): string | undefined {
  const isLink = component.endsWith(RCLONE_LINK_SUFFIX) && isLinkSize(sizeBytes)
  const name = isLink ? component.slice(0, -RCLONE_LINK_SUFFIX.length) : ''
  return name === '' ? undefined : name
}

/** A target is never empty. */
export function isLinkSize(sizeBytes: number): boolean {
  return sizeBytes > 0 && sizeBytes <= LINK_BYTES_MAX
}
