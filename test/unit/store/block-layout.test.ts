import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BLOCK_SIZE_BYTES,
  checksumsOf,
  containedPieces,
  coveringPieces,
  PIECE_SIZE_BYTES,
  PIECES_PER_BLOCK,
  PieceMap,
} from '../../../engine/store/block-layout.ts'

const range = fc
  .tuple(fc.integer({ min: 1, max: 3 * BLOCK_SIZE_BYTES }), fc.nat(), fc.nat())
  .map(([sizeBytes, a, b]) => {
    const [start, end] = [a % sizeBytes, (b % sizeBytes) + 1]
    return { sizeBytes, start: Math.min(start, end - 1), end: Math.max(start + 1, end) }
  })

describe('block layout', () => {
  test('covering pieces are the fewest that hold a range; contained ones the most within it', () => {
    fc.assert(
      fc.property(range, ({ sizeBytes, start, end }) => {
        const outer = coveringPieces({ start, end }, sizeBytes)
        expect(outer.start % PIECE_SIZE_BYTES).toBe(0)
        expect(outer.end % PIECE_SIZE_BYTES === 0 || outer.end === sizeBytes).toBe(true)
        expect(outer.start <= start && outer.end >= end).toBe(true)
        expect(start - outer.start).toBeLessThan(PIECE_SIZE_BYTES)
        expect(outer.end - end).toBeLessThan(PIECE_SIZE_BYTES)
        const inner = containedPieces({ start, end }, sizeBytes)
        if (inner.end === inner.start) return
        expect(inner.start >= start && inner.end <= end).toBe(true)
        expect(coveringPieces(inner, sizeBytes)).toEqual(inner)
      }),
    )
  })

  test('a row of a block is read back as it was written', () => {
    const pieces = fc.uniqueArray(fc.nat(PIECES_PER_BLOCK - 1))
    fc.assert(
      fc.property(pieces, fc.integer({ min: 0, max: 0xffffffff }), (present, crc) => {
        const map = new PieceMap()
        for (const piece of present) map.set(piece, (crc ^ piece) >>> 0)
        const back = PieceMap.decode(map.encode())
        for (let piece = 0; piece < PIECES_PER_BLOCK; piece++) {
          expect(back.crcOf(piece)).toBe(map.crcOf(piece))
        }
      }),
    )
  })

  test('a damaged row claims nothing that a checksum would not have to confirm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (row) => {
        const map = PieceMap.decode(row)
        for (let piece = 0; piece < PIECES_PER_BLOCK; piece++) {
          expect(map.has(piece)).toBe(map.crcOf(piece) !== undefined)
        }
      }),
    )
  })

  test('each piece has its own checksum, the last one of a short object too', () => {
    const object = { volume: 1, key: 'a', etag: 'e', sizeBytes: BLOCK_SIZE_BYTES + 5 }
    const bytes = Buffer.alloc(PIECE_SIZE_BYTES + 5, 7)
    const found = checksumsOf(object, BLOCK_SIZE_BYTES - PIECE_SIZE_BYTES, bytes)
    expect([...found.keys()]).toEqual([0, 1])
    expect([...(found.get(0)?.keys() ?? [])]).toEqual([63])
    expect([...(found.get(1)?.keys() ?? [])]).toEqual([0])
  })
})
