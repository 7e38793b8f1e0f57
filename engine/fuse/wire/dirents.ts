/**
 * One page of a directory listing, plain (READDIR) or with attributes (READDIRPLUS). Pure.
 *
 * Keeps: never longer than the kernel asked for; an entry is in it completely or not at all.
 */
import type { NodeKind } from '../../vfs/vfs.ts'
import { ENTRY_BYTES, OUT_HEADER_BYTES } from './constants.ts'
import { type Timeouts, type WireNode, writeEntry, writeHeader, writeU64 } from './replies.ts'

const DIRENT_BYTES = 24
/** The shortest entry: a name of up to 8 bytes. */
export const DIRENT_BYTES_MIN = DIRENT_BYTES + 8

/** d_type of readdir(3): the kind bits of st_mode, shifted. */
const KIND_CODES: Readonly<Record<NodeKind, number>> = { file: 8, directory: 4, symlink: 10 }

export type WireDirent = {
  readonly name: string
  /** The kernel continues after this entry by it. */
  readonly cookie: number
  readonly node: number
  readonly kind: NodeKind
}

export class DirentPage {
  readonly #reply: Buffer
  readonly #prefixBytes: number
  #end = OUT_HEADER_BYTES

  /** @param withAttributes READDIRPLUS */
  constructor(sizeBytes: number, withAttributes: boolean) {
    this.#reply = Buffer.alloc(OUT_HEADER_BYTES + sizeBytes)
    this.#prefixBytes = withAttributes ? ENTRY_BYTES : 0
  }

  /** How many more entries fit at most. */
  get roomMax(): number {
    const left = this.#reply.length - this.#end
    return Math.floor(left / (this.#prefixBytes + DIRENT_BYTES_MIN))
  }

  get isEmpty(): boolean {
    return this.#end === OUT_HEADER_BYTES
  }

  /**
   * @param known attributes and lifetime, with which the kernel counts one lookup; undefined (for
   *   `.` and `..`, and for plain pages) leaves that part zero
   * @returns false, and nothing is written, when the entry does not fit
   */
  tryAdd(entry: WireDirent, known?: { entry: WireNode; timeouts: Timeouts }): boolean {
    const nameBytes = Buffer.byteLength(entry.name)
    const end = align(this.#end + this.#prefixBytes + DIRENT_BYTES + nameBytes)
    if (end > this.#reply.length) return false
    if (known) writeEntry(this.#reply, this.#end, known.entry, known.timeouts)
    const at = this.#end + this.#prefixBytes
    writeU64(this.#reply, entry.node, at)
    writeU64(this.#reply, entry.cookie, at + 8)
    this.#reply.writeUInt32LE(nameBytes, at + 16)
    this.#reply.writeUInt32LE(KIND_CODES[entry.kind], at + 20)
    this.#reply.write(entry.name, at + DIRENT_BYTES)
    this.#end = end
    return true
  }

  finish(unique: bigint): Buffer {
    const reply = this.#reply.subarray(0, this.#end)
    writeHeader(reply, unique, 0)
    return reply
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
