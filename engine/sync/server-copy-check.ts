/**
 * What a server-side copy is asked for, and how to tell that it stands there.
 */
import { PailError } from '../../shared/errors.ts'
import type {
  Capabilities,
  Etag,
  ObjectHead,
  ObjectStore,
  Precondition,
  PutAttributes,
} from '../s3/object-store.ts'
import type { ObjectVersion } from './content.ts'
import type { Requests } from './requests.ts'
import { headOrNone } from './upload-job.ts'
import { hasMd5Form, hasMetadataOf, isSameEtag } from './upload-proof.ts'
import type { UploadRecord } from './upload-record.ts'

export type ServerCopy = {
  readonly store: ObjectStore
  readonly requests: Requests
  readonly capabilities: Capabilities
  readonly source: ObjectVersion
  readonly key: string
  /** Given: replaces the attributes. Absent: they are carried over. */
  readonly replace?: PutAttributes
  /** The source's, when it is not the standard one: a copy does not keep it by itself. */
  readonly storageClass?: string | null | undefined
  /** What must stand at the destination. Checked by HEAD: copying knows no condition on it. */
  readonly precondition?: Precondition
  /** The caller looks at many copies with one listing before it relies on any of them. */
  readonly isVerifiedLater?: boolean
  /** Told of what a request may leave before it is sent: a version at the key, or an open upload. */
  save?(record: UploadRecord | undefined): Promise<void>
  readonly signal: AbortSignal
}

export function isOntoItself({ source, key }: Pick<ServerCopy, 'source' | 'key'>): boolean {
  return source.key === key
}

/** Is this what the copy would make? Only a digest, or attributes of ours, can tell. */
export function isCopied({ source, replace }: ServerCopy, head: ObjectHead): boolean {
  if (head.sizeBytes !== source.sizeBytes) return false
  if (replace?.metadata && Object.keys(replace.metadata).length > 0) {
    if (!hasMetadataOf(head, replace)) return false
    return isSameEtag(head.etag, source.etag) || !isComparable(head.etag, source.etag)
  }
  return isSameEtag(head.etag, source.etag)
}

/** May it be what the copy would make, though no digest can tell? */
export function isDoubtful(copy: ServerCopy, head: ObjectHead): boolean {
  const { source, replace, capabilities } = copy
  const isDigest = capabilities.etagIsMd5 !== false && !head.hasOpaqueEtag
  const isTold = isDigest && isComparable(head.etag, source.etag)
  if (head.sizeBytes !== source.sizeBytes || isTold) return false
  return !replace?.metadata || hasMetadataOf(head, replace)
}

/** An object made of parts has an ETag that a copy in one piece does not have. */
function isComparable(a: Etag, b: Etag): boolean {
  return hasMd5Form(a) && hasMd5Form(b)
}

/** @throws PailError `s3/integrity` when what stands there is not the whole source */
export async function verifyCopy(
  copy: ServerCopy,
  replied: Etag,
  signal: AbortSignal,
): Promise<{ etag: Etag }> {
  const { source, key, capabilities } = copy
  if (copy.isVerifiedLater) return { etag: replied }
  const head = await headOrNone(copy.store, key, signal)
  const differs =
    capabilities.etagIsMd5 !== false &&
    head !== undefined &&
    !head.hasOpaqueEtag &&
    isComparable(head.etag, source.etag) &&
    !isSameEtag(head.etag, source.etag)
  // Two answers that disagree: one is wrong, or somebody's object took the copy's place already.
  const isAnother = head !== undefined && !isSameEtag(head.etag, replied)
  if (!head || head.sizeBytes !== source.sizeBytes || differs || isAnother) {
    throw new PailError('s3/integrity', `the copy ${replied} is not as its source`, {
      key,
      sizeBytes: head?.sizeBytes ?? -1,
    })
  }
  return { etag: head.etag }
}
