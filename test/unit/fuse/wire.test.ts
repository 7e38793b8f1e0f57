import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { DirentPage } from '../../../engine/fuse/wire/dirents.ts'
import {
  decodeInit,
  encodeInit,
  encodeInitRetry,
  negotiate,
} from '../../../engine/fuse/wire/init.ts'
import * as notifications from '../../../engine/fuse/wire/notifications.ts'
import { WireReader } from '../../../engine/fuse/wire/reader.ts'
import * as replies from '../../../engine/fuse/wire/replies.ts'
import * as requests from '../../../engine/fuse/wire/requests.ts'
import type { Attributes } from '../../../engine/vfs/vfs.ts'
import { PailError } from '../../../shared/errors.ts'
import { REPLIES, REQUESTS } from './golden.ts'

const UNIQUE = 0x1122334455667788n
const NODE = 0x1_0000_0002
const LARGE = 0x12_3456_7890

function request(name: keyof typeof REQUESTS): Buffer {
  return Buffer.from(REQUESTS[name], 'hex')
}

function body(name: keyof typeof REQUESTS): WireReader {
  const bytes = request(name)
  const header = requests.decodeHeader(bytes)
  if (!header) throw new Error('no header')
  return requests.bodyOf(bytes, header)
}

const ATTRIBUTES: Attributes = {
  id: NODE,
  generation: 3,
  kind: 'file',
  sizeBytes: LARGE,
  allocatedBytes: 4097,
  linkCount: 1,
  mode: 0o640,
  uid: 1000,
  gid: 1001,
  atime: -1_000_000_001n,
  mtime: 1_700_000_000_123_456_789n,
  ctime: 1_700_000_001_000_000_001n,
  birthtime: 0n,
  change: 1,
}
const ENTRY = { node: NODE, attributes: ATTRIBUTES }
const TIMEOUTS = { entryMs: 15_250, attrMs: 2_001 }

describe('Requests of the kernel', () => {
  test('have a header that names who asks about what', () => {
    expect(requests.decodeHeader(request('LOOKUP'))).toEqual({
      lengthBytes: 46,
      opcode: 1,
      unique: UNIQUE,
      node: NODE,
      uid: 1000,
      gid: 1001,
      pid: 4242,
    })
  })

  test('decode to what the structures of the kernel header say', () => {
    expect(requests.decodeName(body('LOOKUP'))).toBe('café')
    expect(requests.decodeForget(body('FORGET'))).toBe(7)
    expect(requests.decodeBatchForget(body('BATCH_FORGET'))).toEqual([
      { node: 5, count: 1 },
      { node: 6, count: 3 },
    ])
    expect(requests.decodeGetattr(body('GETATTR'))).toBe(77)
    expect(requests.decodeSymlink(body('SYMLINK'))).toEqual({
      name: 'link',
      target: '../to/there',
    })
    expect(requests.decodeMknod(body('MKNOD'))).toEqual({ name: 'node', mode: 0o100644 })
    expect(requests.decodeMkdir(body('MKDIR'))).toEqual({ name: 'dir', mode: 0o755 })
    expect(requests.decodeAccess(body('ACCESS'))).toBe(4)
    expect(requests.decodeInterrupt(body('INTERRUPT'))).toBe(0xfedcba9876543210n)
    const rename = { newDirectory: 9, oldName: 'old', newName: 'new' }
    expect(requests.decodeRename(body('RENAME'))).toEqual({ ...rename, mode: 'replace' })
    expect(requests.decodeRename2(body('RENAME2'))).toEqual({ ...rename, mode: 'exchange' })
  })

  test('of open files decode to what the structures of the kernel header say', () => {
    expect(requests.decodeOpen(body('OPEN'))).toEqual({ flags: 0o2002, fuseFlags: 1 })
    expect(requests.decodeCreate(body('CREATE'))).toEqual({
      flags: 0o302,
      mode: 0o100640,
      fuseFlags: 1,
      name: 'made',
    })
    const place = { handle: 77, offset: LARGE }
    expect(requests.decodeRead(body('READ'))).toEqual({ ...place, sizeBytes: 131_072 })
    expect(requests.decodeWrite(body('WRITE'))).toEqual({
      ...place,
      writeFlags: 4,
      data: Buffer.from('hello'),
    })
    for (const name of ['FLUSH', 'RELEASE', 'FSYNC'] as const) {
      expect(requests.decodeHandle(body(name)), name).toBe(77)
    }
  })

  test('to set attributes name only the fields that are valid, times before 1970 included', () => {
    expect(requests.decodeSetattr(body('SETATTR'))).toEqual({
      handle: 77,
      sizeBytes: LARGE,
      mode: 0o100600,
      uid: 12,
      gid: 13,
      atime: -1_000_000_001n,
      mtime: 1_700_000_000_000_000_005n,
      killsPrivileges: true,
    })
    expect(requests.decodeSetattr(body('SETATTR_NOW'))).toEqual({
      atime: 'now',
      mtime: 'now',
      killsPrivileges: false,
    })
  })
})

describe('Malformed requests', () => {
  test('are refused when a length, offset or name leads outside', () => {
    const bytes = request('WRITE')
    bytes.writeUInt32LE(6, 40 + 16)
    expect(() => requests.decodeWrite(new WireReader(bytes.subarray(40)))).toThrow('malformed')
    const batch = request('BATCH_FORGET')
    batch.writeUInt32LE(0xffffffff, 40)
    expect(() => requests.decodeBatchForget(new WireReader(batch.subarray(40)))).toThrow('batch')
    expect(() => requests.decodeName(new WireReader(Buffer.from('no end')))).toThrow('end')
    const short = request('LOOKUP').subarray(0, 44)
    const header = requests.decodeHeader(short)
    expect(() => header && requests.bodyOf(short, header)).toThrow('says 46')
    expect(requests.decodeHeader(short.subarray(0, 39))).toBeUndefined()
  })

  test('are refused when a name is empty, has a slash or is not UTF-8', () => {
    for (const bad of [Buffer.from('\0'), Buffer.from('a/b\0'), Buffer.from([0xff, 0x41, 0])]) {
      expect(() => requests.decodeName(new WireReader(bad)), bad.toString('hex')).toThrow(PailError)
    }
    const honest = Buffer.from('\ufffd\0')
    expect(requests.decodeName(new WireReader(honest))).toBe('\ufffd')
  })

  test('are refused, not rounded, when a number does not fit', () => {
    const huge = Buffer.alloc(8)
    huge.writeBigUInt64LE(2n ** 53n)
    expect(() => new WireReader(huge).u64(0)).toThrow('too large')
    expect(() => new WireReader(huge).fileOffset(0)).toThrow('vfs/too-large')
    huge.writeBigUInt64LE(2n ** 53n - 1n)
    expect(new WireReader(huge).u64(0)).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('never make the decoder read outside or throw anything but a PailError', () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = new SeededRandom(seed)
    const { decodeHeader: _header, bodyOf: _bodyOf, ...bodies } = requests
    const decoders: Array<(body: WireReader) => unknown> = [...Object.values(bodies), decodeInit]
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from(random.hex(Math.floor(random.next() * 120)), 'hex')
      for (const decode of decoders) {
        try {
          decode(new WireReader(bytes))
        } catch (thrown) {
          expect(thrown, `seed ${seed} ${bytes.toString('hex')}`).toBeInstanceOf(PailError)
        }
      }
    }
  })
})

describe('Replies to the kernel', () => {
  test('are byte for byte what the structures of the kernel header are', () => {
    const made = {
      entry: replies.encodeEntry(UNIQUE, ENTRY, TIMEOUTS),
      negative: replies.encodeNegativeEntry(UNIQUE, 5_000),
      attributes: replies.encodeAttributes(UNIQUE, ENTRY, TIMEOUTS),
      open: replies.encodeOpen(UNIQUE, { handle: 77, flags: 2 }),
      create: replies.encodeCreate(UNIQUE, ENTRY, { handle: 77, flags: 2 }, TIMEOUTS),
      written: replies.encodeWritten(UNIQUE, 5),
      text: replies.encodeText(UNIQUE, '../to'),
      error: replies.encodeError(UNIQUE, 2),
      statfs: replies.encodeStatfs(UNIQUE, {
        blockSizeBytes: 4096,
        totalBytes: 4096 * 1000 + 1,
        freeBytes: 4096 * 400 + 4095,
        files: 12,
        nameBytesMax: 255,
      }),
    }
    for (const [name, bytes] of Object.entries(made)) {
      expect(bytes.toString('hex'), name).toBe(REPLIES[name as keyof typeof made])
    }
  })

  test('list a directory with and without attributes', () => {
    const dot = { name: '.', cookie: 1, node: NODE, kind: 'directory' } as const
    const file = { name: 'notes.txt', cookie: LARGE, node: NODE, kind: 'file' } as const
    const plain = new DirentPage(4096, false)
    const plus = new DirentPage(4096, true)
    expect(plain.tryAdd(dot) && plain.tryAdd(file)).toBe(true)
    expect(plus.tryAdd(dot) && plus.tryAdd(file, { entry: ENTRY, timeouts: TIMEOUTS })).toBe(true)
    expect(plain.finish(UNIQUE).toString('hex')).toBe(REPLIES.readdir)
    expect(plus.finish(UNIQUE).toString('hex')).toBe(REPLIES.readdirplus)
  })

  test('fill a directory page to its last byte and not beyond', () => {
    const entry = { name: '12345678', cookie: 3, node: 1, kind: 'file' } as const
    const page = new DirentPage(64, false)
    expect([page.tryAdd(entry), page.tryAdd(entry), page.tryAdd(entry)]).toEqual([
      true,
      true,
      false,
    ])
    expect(page.finish(UNIQUE)).toHaveLength(16 + 64)
    const tooSmall = new DirentPage(31, false)
    expect(tooSmall.tryAdd(entry)).toBe(false)
    expect(tooSmall.finish(UNIQUE)).toHaveLength(16)
  })

  test('tell what is outdated', () => {
    const hex = (message: Buffer) => message.toString('hex')
    expect(hex(notifications.encodeInvalidateNode(9, false))).toBe(REPLIES['inval-attributes'])
    expect(hex(notifications.encodeInvalidateNode(9, true))).toBe(REPLIES['inval-pages'])
    expect(hex(notifications.encodeInvalidateEntry(9, 'a.txt'))).toBe(REPLIES['inval-entry'])
    expect(hex(notifications.encodeInvalidateAllEntries())).toBe(`1000000008${'0'.repeat(22)}`)
  })
})

describe('INIT', () => {
  test('agrees on what both sides know, and asks for nothing that was not offered', () => {
    const asked = decodeInit(body('INIT'))
    expect(asked).toEqual({ major: 7, minor: 38, readAheadBytesMax: 131_072, flags: 0x73fffffb })
    const agreed = negotiate(asked)
    expect(agreed && encodeInit(UNIQUE, agreed).toString('hex')).toBe(REPLIES.init)
    expect(negotiate({ ...asked, flags: 0 })).toMatchObject({ flags: 0 })
    expect(negotiate({ ...asked, minor: 99 })).toMatchObject({ minor: 45 })
  })

  test('falls back to dropping pages on a changed time where nothing better is offered', () => {
    const offered = { major: 7, minor: 31, readAheadBytesMax: 0, flags: 1 << 12 }
    expect(negotiate(offered)).toMatchObject({ flags: 1 << 12 })
    expect(negotiate({ ...offered, flags: (1 << 12) | (1 << 25) })).toMatchObject({
      flags: 1 << 25,
    })
  })

  test('refuses an old kernel and asks a newer one to come again', () => {
    const asked = { major: 7, minor: 30, readAheadBytesMax: 0, flags: 0 }
    expect(() => negotiate(asked)).toThrow('Linux 5.4')
    expect(negotiate({ ...asked, major: 8 })).toBeUndefined()
    expect(encodeInitRetry(UNIQUE).readUInt32LE(16)).toBe(7)
  })
})
