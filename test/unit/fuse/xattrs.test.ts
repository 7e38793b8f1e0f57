import { describe, expect, test } from 'vitest'
import { Opcode } from '../../../engine/fuse/wire/constants.ts'
import { ERRNO } from '../../../engine/fuse/wire/errno.ts'
import { FakeKernel, pack } from './kernel.ts'

const CREATE = 1
const REPLACE = 2

async function kernelWithFile() {
  const kernel = await FakeKernel.started()
  const { node } = await kernel.create('file')
  const set = async (name: string, value: string, flags = 0) => {
    const bytes = Buffer.from(value)
    const body = pack(bytes.length, flags, name, bytes)
    return (await kernel.ask(Opcode.SETXATTR, { node, body })).error
  }
  const get = (name: string, size: number) =>
    kernel.ask(Opcode.GETXATTR, { node, body: pack(size, 0, name) })
  const list = (size: number) => kernel.ask(Opcode.LISTXATTR, { node, body: pack(size, 0) })
  const remove = async (name: string) =>
    (await kernel.ask(Opcode.REMOVEXATTR, { node, body: pack(name) })).error
  return { kernel, node, set, get, list, remove }
}

describe('Extended attributes of the wire', () => {
  test('are set, read and removed, binary values and names with slashes included', async () => {
    const { set, get, remove } = await kernelWithFile()
    expect(await set('user.a/b', 'x\0y')).toBe(0)
    expect((await get('user.a/b', 3)).body).toEqual(Buffer.from('x\0y'))
    expect(await remove('user.a/b')).toBe(0)
    expect((await get('user.a/b', 3)).error).toBe(ERRNO.ENODATA)
    expect(await remove('user.a/b')).toBe(ERRNO.ENODATA)
  })

  test('say their size when asked with no room, and refuse too little room', async () => {
    const { set, get, list } = await kernelWithFile()
    await set('user.n', 'value')
    await set('user.m', '')
    expect((await get('user.n', 0)).body.readUInt32LE(0)).toBe(5)
    expect((await get('user.n', 4)).error).toBe(ERRNO.ERANGE)
    expect((await get('user.m', 0)).body.readUInt32LE(0)).toBe(0)
    expect((await list(0)).body.readUInt32LE(0)).toBe('user.n|user.m|'.length)
    expect((await list(13)).error).toBe(ERRNO.ERANGE)
    expect((await list(14)).body.toString()).toBe('user.n\0user.m\0')
  })

  test('keep to create and replace', async () => {
    const { set } = await kernelWithFile()
    expect(await set('user.n', '1', REPLACE)).toBe(ERRNO.ENODATA)
    expect(await set('user.n', '1', CREATE)).toBe(0)
    expect(await set('user.n', '2', CREATE)).toBe(ERRNO.EEXIST)
    expect(await set('user.n', '2', REPLACE)).toBe(0)
    expect(await set('user.n', '2', CREATE | REPLACE)).toBe(ERRNO.EINVAL)
  })

  test('that the kernel asks for before each write cost the file system nothing', async () => {
    const { kernel, get } = await kernelWithFile()
    expect((await get('security.capability', 0)).error).toBe(ERRNO.ENODATA)
    expect(kernel.vfs.calls.get('getxattr')).toBeUndefined()
  })

  test('with a length beyond the request are refused', async () => {
    const { kernel, node } = await kernelWithFile()
    const body = pack(1_000_000, 0, 'user.n', Buffer.from('short'))
    expect((await kernel.ask(Opcode.SETXATTR, { node, body })).error).toBe(ERRNO.EINVAL)
    const unnamed = pack(1, 0, '', Buffer.from('x'))
    expect((await kernel.ask(Opcode.SETXATTR, { node, body: unnamed })).error).toBe(ERRNO.EINVAL)
  })
})
