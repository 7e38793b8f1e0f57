/**
 * What every operation gets, and what it returns.
 *
 * One function per operation of the kernel: decode, check, one call of the file system, encode.
 */
import { PailError } from '../../../shared/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Attributes, Context, NodeId, Vfs } from '../../vfs/vfs.ts'
import type { BufferPool } from '../buffer-pool.ts'
import type { HandleTable } from '../handle-table.ts'
import type { NodeTable } from '../node-table.ts'
import { REQUEST_DATA_BYTES_MAX } from '../wire/constants.ts'
import type { WireReader } from '../wire/reader.ts'
import type { Timeouts, WireNode } from '../wire/replies.ts'

/** One mount, as its operations see it. */
export type Session = {
  readonly vfs: Vfs
  readonly nodes: NodeTable
  readonly handles: HandleTable
  readonly buffers: BufferPool
  readonly log: Log
  readonly timeouts: Timeouts & { readonly negativeMs: number }
  /** The kernel's pages of this node are wrong, although its own write made them. */
  readonly onPagesOutdated: (id: NodeId) => void
}

export type Call = {
  readonly unique: bigint
  readonly node: number | undefined
  readonly context: Context
  readonly body: WireReader
}

/** @returns the whole reply, header included */
export type Operation = (session: Session, call: Call) => Promise<Buffer>

/** The node as a reply names it, without counting a lookup. */
export function wireNode(session: Session, attributes: Attributes): WireNode {
  return { node: session.nodes.toWire(attributes.id), attributes }
}

/** For replies that hand the node to the kernel: counts one lookup. */
export function rememberedNode(session: Session, attributes: Attributes): WireNode {
  return { node: session.nodes.remember(attributes.id), attributes }
}

/** @throws PailError `vfs/invalid` above the size negotiated at INIT */
export function checkSize(sizeBytes: number): void {
  if (sizeBytes > REQUEST_DATA_BYTES_MAX) {
    throw new PailError('vfs/invalid', `${sizeBytes} bytes asked at once`)
  }
}
