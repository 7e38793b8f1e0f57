import { describe, expect, test } from 'vitest'
import type { Etag } from '../../../engine/s3/object-store.ts'
import { encodeRecord } from '../../../engine/store/record.ts'
import {
  ATTEMPTED_VERSIONS_MAX,
  decodeUploadRecord,
  EMPTY_UPLOAD_RECORD,
  encodeUploadRecord,
  RecordKeeper,
  type UploadRecord,
} from '../../../engine/sync/upload-record.ts'
import { settle } from '../../support/fake-clock.ts'

const RECORD: UploadRecord = {
  version: 1,
  attempted: [{ etag: '"a"' as Etag, sizeBytes: 3, metadata: 'digest', source: 'from' }],
  multipart: {
    key: 'k\u0000é',
    uploadId: 'u',
    attributes: 'x',
    parts: [{ partNumber: 1, start: 0, end: 5, etag: '"p"' as Etag, content: 'c' }],
  },
  opening: { key: 'k', sinceMs: 1, untilMs: 1 },
  orphans: [
    { key: 'k', uploadId: 'old' },
    { key: 'k', sinceMs: 0.5, untilMs: 2 },
  ],
}

const attempt = (name: number | string) => ({ etag: `"${name}"` as Etag })

describe('Upload record', () => {
  test('is read back as it was written, and anything else is refused', () => {
    expect(decodeUploadRecord(encodeUploadRecord(RECORD))).toEqual(RECORD)
    const { opening: _, ...before } = { ...RECORD, orphans: RECORD.orphans.slice(0, 1) }
    expect(decodeUploadRecord(encodeUploadRecord(before))).toEqual(before)
    const record = encodeUploadRecord(RECORD)
    const flipped = record.with(20, (record[20] ?? 0) ^ 1)
    const others = [encodeRecord(1, {}), encodeRecord(2, { ...RECORD, version: 2 })]
    for (const bytes of [record.subarray(0, 50), flipped, Uint8Array.of(0xff), ...others]) {
      expect(() => decodeUploadRecord(bytes)).toThrow(/store\/corrupt/)
    }
  })

  test('changes that come together share one save, none is lost and the last one wins', async () => {
    const saved: Array<UploadRecord | undefined> = []
    const ends: Array<() => void> = []
    const keeper = new RecordKeeper(undefined, async (record) => {
      saved.push(record)
      await new Promise<void>((resolve) => ends.push(resolve))
    })
    const changes = Array.from({ length: 10 }, (_, i) => keeper.noteAttempted(attempt(i)))
    await settle()
    expect(saved).toHaveLength(1)
    const late = keeper.noteAttempted(attempt('late'))
    ends[0]?.()
    await Promise.all(changes)
    await settle()
    ends[1]?.()
    await late
    expect(saved).toHaveLength(2)
    expect(saved[1]?.attempted).toHaveLength(11)
  })

  test('a save that fails is told to who waits for it, and the next one carries its content', async () => {
    let failures = 1
    const saved: Array<UploadRecord | undefined> = []
    const keeper = new RecordKeeper(undefined, async (record) => {
      if (failures-- > 0) throw new Error('disk full')
      saved.push(record)
    })
    await expect(keeper.noteAttempted(attempt(1))).rejects.toThrow('disk full')
    await keeper.noteAttempted(attempt(2))
    expect(saved[0]?.attempted).toEqual([attempt(1), attempt(2)])
  })

  test('remembers so many versions, and nothing at all when there is nothing', async () => {
    const saved: Array<UploadRecord | undefined> = []
    const keeper = new RecordKeeper(
      { ...EMPTY_UPLOAD_RECORD, orphans: RECORD.orphans },
      async (r) => {
        saved.push(r)
      },
    )
    await keeper.change((record) => ({ ...record, orphans: [] }))
    expect(saved).toEqual([undefined])
    for (let i = 0; i < 100; i++) await keeper.noteAttempted(attempt(i))
    expect(keeper.record.attempted).toHaveLength(ATTEMPTED_VERSIONS_MAX)
    expect(keeper.record.attempted.at(-1)).toEqual(attempt(99))
  })
})
