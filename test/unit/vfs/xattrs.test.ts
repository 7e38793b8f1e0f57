import { describe, expect, test } from 'vitest'
import {
  XATTR_FILE_BYTES_MAX,
  XATTR_LIST_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
} from '../../../engine/vfs/xattrs.ts'
import { BareWorld } from '../../support/bare-world.ts'

async function worldWithFile() {
  const world = await BareWorld.started()
  const id = await world.write('file', 'x')
  const { vfs, context } = world
  const set = (name: string, value: Uint8Array | string) => {
    const attribute = { name, value: Buffer.from(value), mode: 'set' as const }
    return world.run(vfs.setxattr(context, { id }, attribute))
  }
  const get = async (name: string) =>
    Buffer.from(await world.vfs.getxattr(context, { id }, name)).toString()
  return { world, id, set, get }
}

describe('Extended attributes', () => {
  test('follow their file over a rename and a crash, and go with it', async () => {
    const { world, id, set, get } = await worldWithFile()
    await set('user.tag', 'blue')
    await set('com.apple.FinderInfo', Buffer.alloc(32, 7))
    const place = (name: string) => ({ directory: world.vfs.root, name })
    const { context } = world
    await world.run(world.vfs.rename(context, place('file'), place('renamed'), 'replace'))
    await world.killed()
    expect((await world.find('renamed')).id).toBe(id)
    expect(await get('user.tag')).toBe('blue')
    expect(await world.vfs.listxattr(context, { id })).toEqual(['com.apple.FinderInfo', 'user.tag'])
    const request = { kind: 'file' } as const
    await world.run(world.vfs.remove(context, world.vfs.root, 'renamed', request))
    expect(world.engine.stores.database.all('SELECT * FROM xattr')).toEqual([])
  })

  test('change the ctime of their file and nothing in the bucket', async () => {
    const { world, id, set } = await worldWithFile()
    await world.engine.flush()
    world.bucket.resetRequests()
    const before = await world.find('file')
    await world.run(world.clock.sleep(5, new AbortController().signal))
    await set('user.tag', 'blue')
    await world.engine.flush()
    const after = await world.find('file')
    expect(after.ctime).toBeGreaterThan(before.ctime)
    expect(after.mtime).toBe(before.mtime)
    expect(world.bucket.requests()).toEqual({})
    expect(after.id).toBe(id)
  })

  test.each([
    ['security.selinux', 'vfs/unsupported'],
    ['system.posix_acl_access', 'vfs/unsupported'],
    ['trusted.overlay.opaque', 'vfs/unsupported'],
    ['user.pail.state', 'vfs/not-permitted'],
    [`user.${'n'.repeat(251)}`, 'vfs/range'],
  ])('that the system would act upon, or Pail itself says, are refused: %s', async (name, code) => {
    const { set } = await worldWithFile()
    await expect(set(name, 'x')).rejects.toMatchObject({ code })
  })

  test('have limits: of one value, of all values, of all names', async () => {
    const { set, get } = await worldWithFile()
    const largest = Buffer.alloc(XATTR_VALUE_BYTES_MAX, 1)
    const tooLarge = Buffer.alloc(XATTR_VALUE_BYTES_MAX + 1)
    await expect(set('user.0', tooLarge)).rejects.toMatchObject({ errno: 'E2BIG' })
    const count = XATTR_FILE_BYTES_MAX / XATTR_VALUE_BYTES_MAX
    for (let index = 0; index < count; index++) await set(`user.${index}`, largest)
    await expect(set('user.more', 'x')).rejects.toMatchObject({ errno: 'ENOSPC' })
    await set('user.0', 'another value in place of the first')
    await set('user.more', 'x')
    expect(await get('user.more')).toBe('x')

    const { set: setOther } = await worldWithFile()
    const name = (index: number) => `user.${String(index).padStart(250, '0')}`
    const namesMax = Math.floor(XATTR_LIST_BYTES_MAX / 256)
    for (let index = 0; index < namesMax; index++) await setOther(name(index), '')
    await expect(setOther(name(namesMax), '')).rejects.toMatchObject({ errno: 'ENOSPC' })
  })

  test('of a dirty, never closed file are kept with it', async () => {
    const { world } = await worldWithFile()
    const { vfs, context } = world
    const request = { read: true, write: true, mode: 0o600, exclusive: true }
    const made = await world.run(vfs.create(context, vfs.root, 'open', request))
    const target = { id: made.attributes.id, handle: made.handle }
    const attribute = { name: 'user.a', value: Buffer.from('1'), mode: 'create' as const }
    await world.run(vfs.setxattr(context, target, attribute))
    await world.run(vfs.flush(context, target))
    await world.run(vfs.release(made.handle))
    expect(await vfs.listxattr(context, { id: target.id })).toEqual(['user.a'])
  })
})
