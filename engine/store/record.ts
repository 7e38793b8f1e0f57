/**
 * Small records on disk: versioned, with a checksum that is verified when they are read.
 *
 * Layout: version (1 byte), CRC-32 of the rest (4 bytes, little endian), JSON in UTF-8.
 */
import { crc32 } from 'node:zlib'
import { PailError } from '../../shared/errors.ts'

const HEADER_BYTES = 5

export function encodeRecord(version: number, value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value), 'utf8')
  const record = Buffer.alloc(HEADER_BYTES + body.length)
  record.writeUInt8(version, 0)
  record.writeUInt32LE(crc32(body), 1)
  body.copy(record, HEADER_BYTES)
  return record
}

/** @throws PailError `store/corrupt` when the record was not written by `encodeRecord` as it is */
export function decodeRecord(record: Uint8Array): { version: number; value: unknown } {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  if (bytes.length < HEADER_BYTES) throw new PailError('store/corrupt', 'record too short')
  const body = bytes.subarray(HEADER_BYTES)
  if (bytes.readUInt32LE(1) !== crc32(body)) {
    throw new PailError('store/corrupt', 'record fails its checksum')
  }
  return { version: bytes.readUInt8(0), value: JSON.parse(body.toString('utf8')) }
}
