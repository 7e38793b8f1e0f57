import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blankNode, type NodeRow } from '../../../engine/store/nodes.ts'
import {
  attributesOf,
  clampStamp,
  encodeFacts,
  factsOfStored,
  knownFacts,
  linkNameOf,
  readAttributes,
  readSeconds,
  secondsText,
} from '../../../engine/sync/object-attributes.ts'

const SECOND = 1_000_000_000n

function row(known: Partial<NodeRow> = {}): NodeRow {
  const start = { volume: 1, parent: 2, name: 'notes.txt', kind: 'file' as const }
  const owner = { mode: 0o640, uid: 1000, gid: 100 }
  return { ...blankNode({ ...start, ...owner }, 1_700_000_000n * SECOND), id: 3, ...known }
}

const meta = (metadata: Record<string, string>) => readAttributes({ metadata })

describe('Times of objects', () => {
  test('are whole seconds, or seconds, a point and exactly nine digits', () => {
    expect(secondsText(1_700_000_000n * SECOND)).toBe('1700000000')
    expect(secondsText(1_700_000_000n * SECOND + 5n)).toBe('1700000000.000000005')
    expect(secondsText(1_700_000_000n * SECOND + 120_000_000n)).toBe('1700000000.120000000')
    expect(secondsText(-1_500_000_000n)).toBe('-1.500000000')
    expect(secondsText(-1n)).toBe('-0.000000001')
  })

  test('are read back as they were written, to the nanosecond', () => {
    const stamp = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(stamp, (value) => {
        // It is how s3fs says that it knows no time.
        fc.pre(value !== -SECOND)
        expect(readSeconds(secondsText(value))).toBe(value)
        expect(secondsText(value)).toMatch(/^-?\d+(\.\d{9})?$/)
      }),
    )
  })

  test('of rclone, with fewer decimals, are read', () => {
    expect(readSeconds('1700000000.5')).toBe(1_700_000_000n * SECOND + 500_000_000n)
    expect(readSeconds('1700000000.1234567891234')).toBe(1_700_000_000n * SECOND + 123_456_789n)
    expect(readSeconds('1700000000.')).toBe(1_700_000_000n * SECOND)
  })

  test.each(['', '-1', 'NaN', 'Infinity', '1e9', '0x10', ' 5', '5 ', '2024-01-01', '1.2.3', '٣'])(
    'that are none are left out: %j',
    (text) => {
      expect(readSeconds(text)).toBeUndefined()
    },
  )

  test('beyond what can be kept become the nearest that can', () => {
    const last = 2n ** 63n - 1n
    expect(readSeconds('253402300799')).toBe(last)
    expect(readSeconds('-62135596800')).toBe(-last)
    expect(readSeconds('999999999999999999')).toBe(last)
    expect(clampStamp(-(2n ** 70n))).toBe(-last)
    expect(clampStamp(5n)).toBe(5n)
  })
})

describe('What the metadata of an object says', () => {
  test('in the form of s3fs is mode, owner and times', () => {
    const metadata = { mode: '33204', uid: '1000', gid: '0', mtime: '5.000000007', atime: '6' }
    expect(meta(metadata)).toEqual({
      kind: 'file',
      mode: 0o664,
      uid: 1000,
      gid: 0,
      mtime: 5n * SECOND + 7n,
      atime: 6n * SECOND,
    })
    expect(meta({ mode: '41471' })).toEqual({ kind: 'symlink', mode: 0o777 })
    expect(meta({ mode: '16877' })).toEqual({ kind: 'directory', mode: 0o755 })
  })

  test('never gives a privilege away, or makes a device', () => {
    const modeOf = (mode: number) => meta({ mode: String(mode) })
    expect(modeOf(0o106755)).toEqual({ kind: 'file', mode: 0o755 })
    expect(modeOf(0o041777)).toEqual({ kind: 'directory', mode: 0o1777 })
    for (const type of [0o020000, 0o060000, 0o010000, 0o140000]) {
      expect(modeOf(type | 0o666)).toEqual({ mode: 0o666 })
    }
  })

  test.each([
    '-1',
    'NaN',
    '0o777777',
    '99999999999',
    '4294967295',
    '65536',
    '1.5',
    '',
    'drwx',
    '0',
  ])('is left out where it makes no sense: %j', (text) => {
    const { uid, gid, ...rest } = meta({ mode: text, uid: text, gid: text, mtime: 'x' })
    expect(rest).toEqual({})
    for (const owner of [uid, gid]) expect([undefined, 0, 65_536]).toContain(owner)
  })

  test('whatever it is, is a mode of nine or ten bits, an owner, a time, or nothing', () => {
    const text = fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String))
    const names = fc.constantFrom('mode', 'uid', 'gid', 'mtime', 'ctime', 'atime')
    fc.assert(
      fc.property(fc.dictionary(names, text), (metadata) => {
        const found = meta(metadata)
        expect((found.mode ?? 0) & ~0o1777).toBe(0)
        expect(found.uid ?? 0).toBeLessThan(2 ** 32 - 1)
        for (const time of [found.mtime, found.ctime, found.atime]) {
          expect(clampStamp(time ?? 0n)).toBe(time ?? 0n)
        }
      }),
    )
  })
})

describe('What is written beside an object', () => {
  test('is mode, owner and time in the form of s3fs, and a type by the name', () => {
    expect(attributesOf(row(), { isNewContent: true })).toEqual({
      metadata: { mode: '33184', uid: '1000', gid: '100', mtime: '1700000000' },
      contentType: 'text/plain',
    })
    const of = (known: Partial<NodeRow>) => attributesOf(row(known), { isNewContent: true })
    expect(of({ kind: 'symlink', mode: 0o777, name: 'x' }).metadata?.mode).toBe('41471')
    expect(of({ kind: 'directory', mode: 0o755 })).toMatchObject({
      metadata: { mode: '16877' },
      contentType: 'application/x-directory',
    })
    expect(of({ name: 'no-extension' }).contentType).toBe('application/octet-stream')
  })

  test('keeps what other tools wrote there, and brings their times up to date', () => {
    const kept = {
      metadata: { project: 'x', mode: '1', mtime: '1', ctime: '1', atime: '1', xattr: 'y' },
      contentType: 'text/x-special',
      headers: { 'cache-control': 'no-store' },
      storageClass: 'STANDARD_IA',
      tagCount: 1,
    }
    const node = row({ ctime: 7n * SECOND, atime: 8n * SECOND })
    const written = attributesOf(node, { kept, tags: 'a=b', isNewContent: true })
    expect(written).toEqual({
      metadata: {
        project: 'x',
        mode: '33184',
        uid: '1000',
        gid: '100',
        mtime: '1700000000',
        ctime: '7',
        atime: '8',
        xattr: 'y',
      },
      contentType: 'text/x-special',
      headers: { 'cache-control': 'no-store' },
      storageClass: 'STANDARD_IA',
      tags: 'a=b',
    })
    expect(knownFacts({ metadata: encodeFacts(factsOfStored(written)) })).toEqual({
      ...kept,
      metadata: written.metadata,
    })
  })

  test('drops the digests of content that is not there any more', () => {
    const kept = { metadata: { md5chksum: 'x', 's3cmd-attrs': 'md5:x', other: 'y' } }
    const names = (isNewContent: boolean) =>
      Object.keys(attributesOf(row(), { kept, isNewContent }).metadata ?? {})
    expect(names(false)).toEqual(expect.arrayContaining(['md5chksum', 's3cmd-attrs', 'other']))
    expect(names(true)).not.toContain('md5chksum')
    expect(names(true)).not.toContain('s3cmd-attrs')
    expect(names(true)).toContain('other')
  })

  test('leaves a file to its owner in the bucket, when this user cannot give files away', () => {
    const kept = { metadata: { uid: '0', gid: 'x' } }
    const onlyOwner = { uid: 1000, gid: 100 }
    const written = attributesOf(row(), { kept, onlyOwner, isNewContent: true })
    expect(written.metadata).toMatchObject({ uid: '0', gid: '100' })
    const given = attributesOf(row({ gid: 50 }), {
      kept: { metadata: { gid: '0' } },
      onlyOwner,
      isNewContent: true,
    })
    expect(given.metadata).toMatchObject({ uid: '1000', gid: '50' })
  })
})

describe('Links of rclone', () => {
  test('are told by their names', () => {
    expect(linkNameOf('a.rclonelink', 5)).toBe('a')
    expect(linkNameOf('a.rclonelink', 0)).toBeUndefined()
    expect(linkNameOf('a.rclonelink', 4096)).toBeUndefined()
    expect(linkNameOf('.rclonelink', 5)).toBeUndefined()
    expect(linkNameOf('a.rclonelink.txt', 5)).toBeUndefined()
  })
})
