import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { Opcode } from '../../../engine/fuse/wire/constants.ts'
import { ERRNO } from '../../../engine/fuse/wire/errno.ts'
import { PailError } from '../../../shared/errors.ts'
import { entriesOf, FakeKernel, nodeOf, pack, requestBytes } from './kernel.ts'

describe('FuseDispatcher', () => {
  test('creates, writes, reads and closes a file', async () => {
    const kernel = await FakeKernel.started()
    const file = await kernel.create('notes.txt')
    expect((await kernel.write(file, 0n, 'hello world')).body.readUInt32LE(0)).toBe(11)
    expect((await kernel.read(file.node, file.handle, 65_536)).body.toString()).toBe('hello world')
    expect((await kernel.read(file.node, file.handle, 5)).body.toString()).toBe('hello')
    const close = pack(file.handle, 0n, 0n)
    expect((await kernel.ask(Opcode.FLUSH, { node: file.node, body: close })).error).toBe(0)
    expect((await kernel.ask(Opcode.RELEASE, { node: file.node, body: close })).error).toBe(0)
    expect(kernel.vfs.openHandles).toBe(0)
    expect(kernel.errors).toEqual([])
  })

  test('names the root 1 for the kernel, whatever its own number, and keeps 1 apart', async () => {
    const kernel = await FakeKernel.started({ root: 9 })
    const file = await kernel.create('a')
    expect(file.node).toBe(10)
    const attributes = await kernel.ask(Opcode.GETATTR, { body: pack(0, 0, 0n) })
    expect(attributes.body.readBigUInt64LE(16)).toBe(1n)
    const stranger = await kernel.ask(Opcode.GETATTR, { node: 9, body: pack(0, 0, 0n) })
    expect(stranger.error).toBe(ERRNO.ESTALE)
  })

  test('trusts a node only while the kernel holds it', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    const getattr = async () =>
      (await kernel.ask(Opcode.GETATTR, { node: 2, body: pack(0, 0, 0n) })).error
    expect(await getattr()).toBe(ERRNO.ESTALE)
    expect(nodeOf(await kernel.lookup('a'))).toBe(2)
    await kernel.lookup('a')
    await kernel.tell(Opcode.FORGET, { node: 2, body: pack(1n) })
    expect(await getattr()).toBe(0)
    await kernel.tell(Opcode.BATCH_FORGET, { body: pack(1, 0, 2n, 1n) })
    expect(await getattr()).toBe(ERRNO.ESTALE)
    expect(kernel.errors).toEqual([])
  })

  test('logs a forget of more than was told, and survives it', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    await kernel.lookup('a')
    await kernel.tell(Opcode.FORGET, { node: 2, body: pack(5n) })
    await kernel.tell(Opcode.FORGET, { node: 77, body: pack(1n) })
    await kernel.tell(Opcode.FORGET, { node: 1, body: pack(1n) })
    expect(kernel.errors).toEqual(['fuse/wrong-forget', 'fuse/wrong-forget'])
    expect(nodeOf(await kernel.lookup('a'))).toBe(2)
  })

  test('refuses handles that are not open, or open on another node', async () => {
    const kernel = await FakeKernel.started()
    const first = await kernel.create('a')
    const second = await kernel.create('b')
    expect((await kernel.read(first.node, second.handle, 10)).error).toBe(ERRNO.EBADF)
    expect((await kernel.read(first.node, 999n, 10)).error).toBe(ERRNO.EBADF)
  })

  test('lets the kernel remember that a name does not exist', async () => {
    const kernel = await FakeKernel.started()
    const missing = await kernel.lookup('nothing')
    expect(missing.error).toBe(0)
    expect(nodeOf(missing)).toBe(0)
    expect(missing.body.readBigUInt64LE(16)).toBe(2n)
    kernel.vfs.before = () => {
      throw new PailError('s3/no-bucket', 'gone')
    }
    expect((await kernel.lookup('nothing')).error).toBe(ERRNO.ENOENT)
  })

  test('turns a defect into EIO and a stack in the log', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.before = () => {
      throw new TypeError('undefined is not a function')
    }
    expect((await kernel.lookup('a')).error).toBe(ERRNO.EIO)
    expect(kernel.logged.at(-1)).toMatchObject({
      level: 'error',
      event: 'fuse/operation-failed',
      facts: { operation: 'lookup', stack: expect.stringContaining('dispatcher.test.ts') },
    })
    kernel.vfs.before = () => {}
    expect(nodeOf(await kernel.lookup('nothing'))).toBe(0)
  })

  test('answers an error of the table with its number, without a defect in the log', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.before = () => {
      throw new PailError('store/disk-full', 'full')
    }
    expect((await kernel.lookup('a')).error).toBe(ERRNO.ENOSPC)
    expect(kernel.errors).toEqual([])
  })

  test('never shows more of a read buffer than the file system filled', async () => {
    const kernel = await FakeKernel.started()
    const file = await kernel.create('a')
    kernel.vfs.read = async () => 4097
    expect((await kernel.read(file.node, file.handle, 4096)).error).toBe(ERRNO.EIO)
    expect((await kernel.read(file.node, file.handle, 2 ** 31)).error).toBe(ERRNO.EINVAL)
  })

  test('refuses what cannot be, and says ENOSYS once for what it does not know', async () => {
    const kernel = await FakeKernel.started()
    const answer = async (opcode: number, body: Buffer = Buffer.alloc(64)) =>
      (await kernel.ask(opcode, { body })).error
    expect(await answer(Opcode.LINK)).toBe(ERRNO.EPERM)
    expect(await answer(Opcode.IOCTL)).toBe(ERRNO.ENOTTY)
    expect(await answer(Opcode.POLL)).toBe(ERRNO.ENOSYS)
    expect(await answer(4711)).toBe(ERRNO.ENOSYS)
    expect(await answer(Opcode.MKNOD, pack(0o010644, 0, 0, 0, 'pipe'))).toBe(ERRNO.EPERM)
    expect(await answer(Opcode.MKNOD, pack(0o100644, 0, 0, 0, 'file'))).toBe(0)
    expect(await answer(Opcode.RENAME2, pack(1n, 4, 0, 'a', 'b'))).toBe(ERRNO.EINVAL)
    expect(kernel.vfs.openHandles).toBe(0)
  })

  test('allocates, punches out, seeks and copies ranges, and refuses what moves bytes', async () => {
    const kernel = await FakeKernel.started()
    const file = await kernel.create('a')
    const other = await kernel.create('b')
    await kernel.write(file, 0n, 'hello world')
    const ask = (opcode: number, ...fields: Array<number | bigint>) =>
      kernel.ask(opcode, { node: file.node, body: pack(file.handle, ...fields) })
    const fallocate = async (mode: number, offset: bigint, length: bigint) =>
      (await ask(Opcode.FALLOCATE, offset, length, mode, 0)).error
    expect(await fallocate(0, 0n, 20n)).toBe(0)
    expect(await fallocate(1, 0n, 40n)).toBe(0)
    expect(await fallocate(3, 2n, 4n)).toBe(0)
    expect(await fallocate(0x10, 18n, 4n)).toBe(0)
    expect(await fallocate(8, 0n, 4n), 'collapse').toBe(ERRNO.EOPNOTSUPP)
    const text = (await kernel.read(file.node, file.handle, 64)).body.toString()
    expect(text).toBe('he\0\0\0\0world'.padEnd(22, '\0'))
    const seek = (offset: bigint, whence: number) => ask(Opcode.LSEEK, offset, whence, 0)
    expect((await seek(5n, 4)).body.readBigUInt64LE(0)).toBe(22n)
    expect((await seek(22n, 3)).error).toBe(ERRNO.ENXIO)
    expect((await seek(0n, 2)).error).toBe(ERRNO.EINVAL)
    const copy = pack(0n, BigInt(other.node), other.handle, 3n, 5n, 0n)
    const copied = await kernel.ask(Opcode.COPY_FILE_RANGE, {
      node: file.node,
      body: pack(file.handle, 6n, copy.subarray(8)),
    })
    expect(copied.body.readUInt32LE(0)).toBe(5)
    const seen = await kernel.read(other.node, other.handle, 64)
    expect(seen.body.toString()).toBe('\0\0\0world')
    expect(kernel.errors).toEqual([])
  })

  test('renames, replacing, refusing to replace, and exchanging', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'A')
    kernel.vfs.writeRemotely('b', 'B')
    const rename = async (flags: number) =>
      (await kernel.ask(Opcode.RENAME2, { body: pack(1n, flags, 0, 'a', 'b') })).error
    expect(await rename(1)).toBe(ERRNO.EEXIST)
    expect(await rename(2)).toBe(0)
    expect(nodeOf(await kernel.lookup('a'))).toBe(3)
    expect(await rename(0)).toBe(0)
    expect(nodeOf(await kernel.lookup('b'))).toBe(3)
    expect(nodeOf(await kernel.lookup('a'))).toBe(0)
  })

  test('answers nothing before INIT, and ends quietly after DESTROY', async () => {
    const kernel = new FakeKernel()
    expect((await kernel.lookup('a')).error).toBe(ERRNO.EINVAL)
    expect((await kernel.init(45)).body.readUInt32LE(4)).toBe(45)
    expect((await kernel.ask(Opcode.DESTROY)).error).toBe(0)
  })

  test('releases every handle that the kernel left open when the mount ends', async () => {
    const kernel = await FakeKernel.started()
    await kernel.create('a')
    await kernel.opendir()
    expect(kernel.vfs.openHandles).toBe(2)
    await kernel.dispatcher.close()
    expect(kernel.vfs.openHandles).toBe(0)
  })

  test('survives any bytes', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = new SeededRandom(seed)
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    await kernel.lookup('a')
    for (let round = 0; round < 3_000; round++) {
      const opcode = Math.floor(random.next() * 54)
      const node = Math.floor(random.next() * 4)
      const body = Buffer.from(random.hex(Math.floor(random.next() * 100)), 'hex')
      const request = requestBytes(opcode, { node, body, unique: BigInt(round) + 1_000n })
      if (random.next() < 0.2) request.writeUInt32LE(Math.floor(random.next() * 999), 0)
      const reply = await kernel.dispatcher.dispatch(request)
      if (reply) expect(reply.readUInt32LE(0), `seed ${seed} round ${round}`).toBe(reply.length)
    }
    expect(kernel.dispatcher.inFlight).toBe(0)
    const defects = kernel.logged.filter(({ facts }) =>
      JSON.stringify(facts ?? '').includes('Range'),
    )
    expect(defects, `seed ${seed}`).toEqual([])
  })
})

describe('Interrupts', () => {
  const hang = (kernel: FakeKernel) => {
    kernel.vfs.before = (_operation, context) =>
      new Promise((_resolve, reject) => {
        if (context?.signal.aborted) reject(context.signal.reason)
        context?.signal.addEventListener('abort', () => reject(context.signal.reason))
      })
  }

  test('end the request that they name, and no other', async () => {
    const kernel = await FakeKernel.started()
    hang(kernel)
    const first = kernel.ask(Opcode.LOOKUP, { unique: 101n, body: pack('a') })
    const second = kernel.ask(Opcode.LOOKUP, { unique: 103n, body: pack('b') })
    await kernel.tell(Opcode.INTERRUPT, { body: pack(101n) })
    expect((await first).error).toBe(ERRNO.EINTR)
    expect(kernel.dispatcher.inFlight).toBe(1)
    await kernel.tell(Opcode.INTERRUPT, { body: pack(103n) })
    expect((await second).error).toBe(ERRNO.EINTR)
  })

  test('work when they overtake their request, but not for ever', async () => {
    const kernel = await FakeKernel.started()
    hang(kernel)
    await kernel.tell(Opcode.INTERRUPT, { body: pack(201n) })
    const early = await kernel.ask(Opcode.LOOKUP, { unique: 201n, body: pack('a') })
    expect(early.error).toBe(ERRNO.EINTR)
    kernel.vfs.before = (_operation, context) => context?.signal.throwIfAborted()
    await kernel.tell(Opcode.INTERRUPT, { body: pack(203n) })
    await kernel.clock.advance(2_000)
    expect((await kernel.ask(Opcode.LOOKUP, { unique: 203n, body: pack('a') })).error).toBe(0)
  })

  test('that nobody is interested in do not pile up', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.before = (_operation, context) => context?.signal.throwIfAborted()
    for (let unique = 1000n; unique < 1300n; unique++) {
      await kernel.tell(Opcode.INTERRUPT, { body: pack(unique) })
    }
    const ask = (unique: bigint) => kernel.ask(Opcode.LOOKUP, { unique, body: pack('a') })
    expect((await ask(1000n)).error).toBe(0)
    expect((await ask(1299n)).error).toBe(ERRNO.EINTR)
  })

  test('of all requests come with the end of the mount', async () => {
    const kernel = await FakeKernel.started()
    hang(kernel)
    const waiting = kernel.lookup('a')
    await kernel.dispatcher.close()
    expect((await waiting).error).toBe(ERRNO.EIO)
  })
})

describe('Directory listings', () => {
  test('give every entry once with attributes, in pages that end where the kernel said', async () => {
    const kernel = await FakeKernel.started()
    const names = Array.from({ length: 300 }, (_, index) => `file-${index}`)
    for (const name of names) kernel.vfs.writeRemotely(name, 'x')
    const handle = await kernel.opendir()
    const found: string[] = []
    for (let cookie = 0n; ; ) {
      const page = await kernel.read(1, handle, 4096, Opcode.READDIRPLUS, cookie)
      expect(page.body.length).toBeLessThanOrEqual(4096)
      const entries = entriesOf(page)
      if (entries.length === 0) break
      found.push(...entries.map(({ name }) => name))
      cookie = entries.at(-1)?.cookie ?? 0n
    }
    expect(found).toEqual(['.', '..', ...names])
    expect(kernel.vfs.calls.get('lookup')).toBeUndefined()
  })

  test('count a lookup for each entry sent, and for no other', async () => {
    const kernel = await FakeKernel.started()
    for (let index = 0; index < 100; index++) kernel.vfs.writeRemotely(`file-${index}`, 'x')
    const handle = await kernel.opendir()
    const entries = entriesOf(await kernel.read(1, handle, 4096, Opcode.READDIRPLUS))
    expect(entries.slice(0, 2).map(({ node, cookie }) => [node, cookie])).toEqual([
      [0, 1n],
      [0, 2n],
    ])
    expect(kernel.dispatcher.stats().knownNodes).toBe(entries.length - 2)
    for (const { node } of entries.slice(2))
      await kernel.tell(Opcode.FORGET, { node, body: pack(1n) })
    expect(kernel.dispatcher.stats().knownNodes).toBe(0)
    expect(kernel.errors).toEqual([])
  })

  test('without attributes count no lookup', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    const handle = await kernel.opendir()
    expect((await kernel.read(1, handle, 4096, Opcode.READDIR)).body).toHaveLength(3 * 32)
    expect(kernel.dispatcher.stats().knownNodes).toBe(0)
  })

  test('refuse a page too small for one entry instead of ending the directory', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    const handle = await kernel.opendir()
    expect((await kernel.read(1, handle, 100, Opcode.READDIRPLUS, 2n)).error).toBe(ERRNO.EINVAL)
  })

  test('leave out a name that the kernel would refuse the whole page for', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('bad/name', 'x')
    kernel.vfs.writeRemotely('good', 'x')
    const handle = await kernel.opendir()
    const entries = entriesOf(await kernel.read(1, handle, 4096, Opcode.READDIRPLUS))
    expect(entries.map(({ name }) => name)).toEqual(['.', '..', 'good'])
  })
})

describe('Writes', () => {
  const O_APPEND = 0o2001

  test('by two appending handles do not overwrite each other', async () => {
    const kernel = await FakeKernel.started()
    const first = await kernel.create('log', O_APPEND)
    const opened = await kernel.ask(Opcode.OPEN, { node: first.node, body: pack(O_APPEND, 0) })
    const second = { node: first.node, handle: opened.body.readBigUInt64LE(0) }
    await kernel.write(first, 0n, 'one')
    await kernel.write(second, 0n, 'two')
    expect((await kernel.read(first.node, first.handle, 100)).body.toString()).toBe('onetwo')
    expect(kernel.notifications).toHaveLength(1)
  })

  test('of a shared mapping go where they say, even through an appending handle', async () => {
    const kernel = await FakeKernel.started()
    const file = await kernel.create('log', O_APPEND)
    await kernel.write(file, 0n, 'abc')
    await kernel.write(file, 0n, 'X', 1)
    expect((await kernel.read(file.node, file.handle, 100)).body.toString()).toBe('Xbc')
  })

  test('by others take the set-uid bit away, as does a new owner', async () => {
    const kernel = await FakeKernel.started()
    const file = await kernel.create('tool')
    const setMode = pack(1, 0, 0n, 0n, 0n, 0n, 0n, 0n, 0, 0, 0, 0o104755, 0, 0, 0, 0)
    const modeOf = async () =>
      (
        await kernel.ask(Opcode.GETATTR, { node: file.node, body: pack(0, 0, 0n) })
      ).body.readUInt32LE(16 + 60)
    await kernel.ask(Opcode.SETATTR, { node: file.node, body: setMode })
    await kernel.write(file, 0n, 'x', 4)
    expect((await modeOf()).toString(8)).toBe('100755')
    await kernel.ask(Opcode.SETATTR, { node: file.node, body: setMode })
    const setOwner = pack(2, 0, 0n, 0n, 0n, 0n, 0n, 0n, 0, 0, 0, 0, 0, 5, 0, 0)
    await kernel.ask(Opcode.SETATTR, { node: file.node, body: setOwner })
    expect((await modeOf()).toString(8)).toBe('100755')
  })
})
