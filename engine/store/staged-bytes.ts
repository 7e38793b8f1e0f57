/**
 * The bytes of one staging file: in memory, and in the database beside their record, while they
 * are few; in a file of their own beyond.
 *
 * A file costs three trips through the thread pool, a name in a folder and its removal: for a small
 * one that is most of what writing it costs.
 *
 * Keeps: the way leads from memory to a file and never back. What is on record counts until the
 *        next seal, wherever the bytes are meanwhile.
 */
import type { Disk, DiskFile } from '../base/disk.ts'

/** A file that grows beyond this gets a file on disk. */
export const INLINE_BYTES_MAX = 16 * 1024
/** Held in memory by all open staging files together; more of them get files. */
const INLINE_BYTES_TOTAL_MAX = 16 * 1024 * 1024
/** Memory grows by doubling from here. */
const MEMORY_BYTES_MIN = 1024

/** Memory for the bytes of small files: one limit for all of them. */
export class InlineRoom {
  readonly eachBytesMax: number
  #bytes = 0

  constructor(eachBytesMax: number = INLINE_BYTES_MAX) {
    this.eachBytesMax = eachBytesMax
  }

  /** @returns false when so much more is not to be had */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > INLINE_BYTES_TOTAL_MAX) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

export type StagedBytesParts = {
  readonly disk: Disk
  readonly path: string
  readonly room: InlineRoom
  /** Makes the name of a new file survive power loss. */
  readonly syncNames: () => Promise<void>
}

export class StagedBytes {
  readonly #parts: StagedBytesParts
  #memory: Uint8Array | undefined
  #memoryLength = 0
  #file: DiskFile | undefined

  private constructor(parts: StagedBytesParts, memory?: Uint8Array, file?: DiskFile) {
    this.#parts = parts
    this.#memory = memory
    this.#memoryLength = memory?.length ?? 0
    this.#file = file
  }

  static empty(parts: StagedBytesParts): StagedBytes {
    return new StagedBytes(parts, new Uint8Array(0))
  }

  /** As the database has them. */
  static async ofRecord(parts: StagedBytesParts, content: Uint8Array): Promise<StagedBytes> {
    if (parts.room.take(content.length)) return new StagedBytes(parts, content)
    return new StagedBytes(parts, undefined, await makeFile(parts, content))
  }

  static async ofFile(parts: StagedBytesParts): Promise<StagedBytes> {
    return new StagedBytes(parts, undefined, await parts.disk.open(parts.path, 'write'))
  }

  /** What the database has to keep; undefined: they lie in a file. */
  get inline(): Uint8Array | undefined {
    return this.#memory?.subarray(0, this.#memoryLength)
  }

  async size(): Promise<number> {
    return this.#file ? this.#file.size() : this.#memoryLength
  }

  /** @param isSafe what is here was made safe against lost power, and must stay so */
  async write(data: Uint8Array, position: number, isSafe: boolean): Promise<void> {
    const end = position + data.length
    if (!this.#file && this.#reach(end)) {
      this.#memory?.set(data, position)
      this.#memoryLength = Math.max(this.#memoryLength, end)
      return
    }
    const file = this.#file ?? (await this.#leaveMemory(isSafe))
    await file.write(data, position)
  }

  /** @returns bytes read; fewer only at the end */
  async read(into: Uint8Array, position: number): Promise<number> {
    if (this.#file) return this.#file.read(into, position)
    const bytes = this.inline?.subarray(position, position + into.length) ?? new Uint8Array(0)
    into.set(bytes)
    return bytes.length
  }

  async truncate(sizeBytes: number): Promise<void> {
    if (this.#file) await this.#file.truncate(sizeBytes)
    else this.#memoryLength = Math.min(this.#memoryLength, sizeBytes)
  }

  /** What lies in memory is safe with its record. */
  async sync(): Promise<void> {
    if (!this.#file) return
    await this.#file.sync()
    await this.#parts.syncNames()
  }

  async close(): Promise<void> {
    this.#forgetMemory()
    await this.#file?.close()
  }

  /** @returns false when memory up to `end` is not to be had */
  #reach(end: number): boolean {
    const memory = this.#memory
    if (!memory || end > this.#parts.room.eachBytesMax) return false
    if (end <= memory.length) return true
    const length = Math.max(MEMORY_BYTES_MIN, 2 ** Math.ceil(Math.log2(end)))
    if (!this.#parts.room.take(length - memory.length)) return false
    this.#memory = new Uint8Array(length)
    this.#memory.set(memory)
    return true
  }

  async #leaveMemory(isSafe: boolean): Promise<DiskFile> {
    const file = await makeFile(this.#parts, this.inline ?? new Uint8Array(0), isSafe)
    // In one step: a read finds the bytes here or there.
    this.#file = file
    this.#forgetMemory()
    return file
  }

  #forgetMemory(): void {
    this.#parts.room.give(this.#memory?.length ?? 0)
    this.#memory = undefined
  }
}

async function makeFile(
  { disk, path, syncNames }: StagedBytesParts,
  content: Uint8Array,
  isSafe = false,
): Promise<DiskFile> {
  // What an earlier engine left there was never on record.
  await disk.remove(path)
  const file = await disk.open(path, 'create')
  try {
    if (content.length > 0) await file.write(content, 0)
    if (isSafe) await file.sync()
    if (isSafe) await syncNames()
    return file
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}
