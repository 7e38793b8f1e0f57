/**
 * The attributes with which the syncer stores a node's next version.
 *
 * Keeps: what other tools wrote beside the bytes stays. It is asked for at most once, when an object
 *        of theirs is first replaced; what Pail stored itself is known.
 */
import { PailError } from '../../shared/errors.ts'
import type { ObjectFacts, PutAttributes } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Xattr } from '../store/xattrs.ts'
import {
  attributesOf,
  knownFacts,
  METADATA_BYTES_MAX,
  metadataBytes,
  type Rewrite,
} from './object-attributes.ts'
import { decodeXattrs, encodeXattrs, isSystemXattr } from './s3fs-xattrs.ts'
import type { SyncerParts } from './sync-job.ts'

export async function attributesForUpload(
  parts: SyncerParts,
  node: NodeRow,
  isNewContent: boolean,
): Promise<PutAttributes> {
  return attributesKeeping(parts, node, await keptFacts(parts, node), isNewContent)
}

/** What the version that the node replaces carries. */
export async function keptFacts(
  parts: SyncerParts,
  node: NodeRow,
): Promise<ObjectFacts | undefined> {
  return knownFacts(node) ?? (await askedFacts(parts, node))
}

export async function attributesKeeping(
  parts: SyncerParts,
  node: NodeRow,
  kept: ObjectFacts | undefined,
  isNewContent: boolean,
): Promise<PutAttributes> {
  const { tree } = parts
  const tags = kept?.tagCount ? await askedTags(parts, node) : undefined
  const rewrite: Rewrite = {
    kept,
    isNewContent,
    ...(tags === undefined ? {} : { tags }),
    ...(tree.honoursOwners ? {} : { onlyOwner: tree.owner }),
  }
  const attributes = attributesOf(node, rewrite)
  if (!tree.syncsXattrs) return attributes
  return withXattrs(parts, node, rewrite)
}

/** Beside the rest there may be no room for them: then they stay on this computer alone. */
function withXattrs(parts: SyncerParts, node: NodeRow, rewrite: Rewrite): PutAttributes {
  const { tree } = parts
  const text = encodeXattrs([...tree.xattrs.all(node.id), ...systemXattrs(rewrite.kept)])
  const full = attributesOf(node, { ...rewrite, xattrs: { text } })
  if (text === undefined || metadataBytes(full.metadata ?? {}) <= METADATA_BYTES_MAX) return full
  tree.tellOnce('sync/xattrs-too-large', { key: tree.keyOf(node) })
  return attributesOf(node, { ...rewrite, xattrs: { text: undefined } })
}

function systemXattrs(kept: ObjectFacts | undefined): readonly Xattr[] {
  const found = decodeXattrs(kept?.metadata.xattr ?? '') ?? []
  return found.filter(({ name }) => isSystemXattr(name))
}

async function askedFacts(parts: SyncerParts, node: NodeRow): Promise<ObjectFacts | undefined> {
  const { remoteKey, etag } = node
  if (remoteKey === null || etag === null) return undefined
  const head = await allowed(parts, (signal) => parts.store.head(remoteKey, signal))
  return head && head.etag === etag ? head : undefined
}

async function askedTags(parts: SyncerParts, { remoteKey }: NodeRow): Promise<string | undefined> {
  if (remoteKey === null) return undefined
  const tags = await allowed(parts, (signal) => parts.store.tags(remoteKey, signal))
  if (tags === undefined) parts.tree.tellOnce('sync/tags-not-kept', { key: remoteKey })
  return tags
}

/** Keys that may not ask, and what is gone, are no reason not to store. */
async function allowed<T>(
  parts: SyncerParts,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await parts.requests.run('background', ask, parts.signal)
  } catch (thrown) {
    const error = PailError.from(thrown)
    const isPassed = ['s3/no-key', 'auth/denied', 's3/unsupported'].includes(error.code)
    if (isPassed) return undefined
    throw error
  }
}
