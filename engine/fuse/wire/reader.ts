/**
 * Bounds-checked reading of one request's body.
 *
 * Keeps: no length, offset or name leads outside the body; what does not fit is `vfs/invalid`.
 * Keeps: 64-bit numbers that a JavaScript number cannot hold exactly are refused, never rounded.
 */
import { PailError } from '../../../shared/errors.ts'

const HIGH_WORD = 0x1_0000_0000
/** High words from here on mean 2^53 or more. */
const HIGH_WORD_UNSAFE = 0x20_0000
const REPLACEMENT_CHARACTER = '\ufffd'

export class WireReader {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get length(): number {
    return this.#bytes.length
  }

  u32(at: number): number {
    this.#need(at, 4)
    return this.#bytes.readUInt32LE(at)
  }

  /** @throws PailError `vfs/invalid` for 2^53 and more */
  u64(at: number): number {
    const value = this.#u64OrUndefined(at)
    if (value === undefined) throw malformed(`number at ${at} is too large`)
    return value
  }

  /** A position or length in a file. @throws PailError `vfs/too-large` for 2^53 and more */
  fileOffset(at: number): number {
    const value = this.#u64OrUndefined(at)
    if (value === undefined) throw new PailError('vfs/too-large', `file offset at ${at}`)
    return value
  }

  i64(at: number): bigint {
    this.#need(at, 8)
    return this.#bytes.readBigInt64LE(at)
  }

  id64(at: number): bigint {
    this.#need(at, 8)
    return this.#bytes.readBigUInt64LE(at)
  }

  bytes(at: number, length: number): Buffer {
    this.#need(at, length)
    return this.#bytes.subarray(at, at + length)
  }

  /** One name of a directory: ends in NUL, is not empty, has no slash, is valid UTF-8. */
  name(at: number): { readonly text: string; readonly next: number } {
    const found = this.text(at)
    if (found.text.length === 0 || found.text.includes('/')) {
      throw malformed(`name at ${at} is empty or has a slash`)
    }
    return found
  }

  /** A string that ends in NUL, for instance the target of a symbolic link. */
  text(at: number): { readonly text: string; readonly next: number } {
    this.#need(at, 1)
    const end = this.#bytes.indexOf(0, at)
    if (end < 0) throw malformed(`text at ${at} does not end`)
    const raw = this.#bytes.subarray(at, end)
    const text = raw.toString('utf8')
    // Decoding replaces what is not UTF-8; such a name would then mean another file.
    if (text.includes(REPLACEMENT_CHARACTER) && !Buffer.from(text).equals(raw)) {
      throw new PailError('vfs/not-text', `text at ${at} is not UTF-8`)
    }
    return { text, next: end + 1 }
  }

  #u64OrUndefined(at: number): number | undefined {
    this.#need(at, 8)
    const high = this.#bytes.readUInt32LE(at + 4)
    if (high >= HIGH_WORD_UNSAFE) return undefined
    return high * HIGH_WORD + this.#bytes.readUInt32LE(at)
  }

  #need(at: number, length: number): void {
    if (at < 0 || length < 0 || at + length > this.#bytes.length) {
      throw malformed(`${length} bytes at ${at} are outside of ${this.#bytes.length}`)
    }
  }
}

function malformed(detail: string): PailError {
  return new PailError('vfs/invalid', `malformed request: ${detail}`)
}
