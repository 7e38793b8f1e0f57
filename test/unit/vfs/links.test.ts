import { describe, expect, test } from 'vitest'
import { LISTING_FRESH_MS } from '../../../engine/sync/listing.ts'
import { BareWorld } from '../../support/bare-world.ts'

async function readlink(world: BareWorld, path: string): Promise<string> {
  const { id } = await world.find(path)
  return world.run(world.vfs.readlink(world.context, id))
}

async function symlink(world: BareWorld, name: string, target: string) {
  const made = world.vfs.symlink(world.context, world.vfs.root, name, target)
  return (await world.run(made)).attributes
}

const rename = (world: BareWorld, from: string, to: string) => {
  const place = (name: string) => ({ directory: world.vfs.root, name })
  return world.run(world.vfs.rename(world.context, place(from), place(to), 'replace'))
}

const unlink = (world: BareWorld, name: string) =>
  world.run(world.vfs.remove(world.context, world.vfs.root, name, { kind: 'file' }))

const textOf = (world: BareWorld, key: string) =>
  Buffer.from(world.bucket.bytesOf(key) ?? []).toString()

describe('Symbolic links', () => {
  test('are stored in the form of s3fs, by one PUT, and survive a crash before it', async () => {
    const world = await BareWorld.started()
    const made = await symlink(world, 'link', '../ünï target')
    expect(made).toMatchObject({ kind: 'symlink', mode: 0o777, sizeBytes: 15, uid: 1000 })
    await world.killed()
    await world.engine.flush()
    expect(textOf(world, 'link')).toBe('../ünï target')
    expect(world.bucket.stored('link')?.metadata).toMatchObject({ mode: '41471', uid: '1000' })
    expect(await readlink(world, 'link')).toBe('../ünï target')
    expect(world.bucket.versions('link')).toHaveLength(1)
  })

  test('are renamed, replaced and removed like files', async () => {
    const world = await BareWorld.started()
    await symlink(world, 'a', 'one')
    await symlink(world, 'b', 'two')
    await world.engine.flush()
    await rename(world, 'a', 'c')
    await rename(world, 'c', 'b')
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual(['b'])
    expect(textOf(world, 'b')).toBe('one')
    expect(await readlink(world, 'b')).toBe('one')
    await unlink(world, 'b')
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual([])
  })

  test('take the place of files, and files theirs', async () => {
    const world = await BareWorld.started()
    await world.write('file', 'content')
    await symlink(world, 'link', 'file')
    await world.engine.flush()
    await rename(world, 'link', 'file')
    await world.write('link', 'now a file')
    await world.engine.flush()
    expect(await readlink(world, 'file')).toBe('file')
    expect(await world.read('link')).toBe('now a file')
    expect(textOf(world, 'file')).toBe('file')
    expect(world.bucket.stored('link')?.metadata?.mode).toBe(String(0o100644))
  })

  test('point anywhere, up to 4,095 bytes, and are never followed', async () => {
    const world = await BareWorld.started()
    const longest = 'x'.repeat(4095)
    await symlink(world, 'long', longest)
    await symlink(world, 'out', '/etc/shadow')
    await symlink(world, 'up', '../../..')
    await symlink(world, 'self', 'self')
    await world.engine.flush()
    expect(await readlink(world, 'long')).toBe(longest)
    expect(textOf(world, 'out')).toBe('/etc/shadow')
    expect(await readlink(world, 'up')).toBe('../../..')
    await expect(symlink(world, 'longer', `${longest}x`)).rejects.toMatchObject({
      errno: 'ENAMETOOLONG',
    })
    await expect(symlink(world, 'nowhere', '')).rejects.toMatchObject({ errno: 'ENOENT' })
    await expect(symlink(world, 'out', 'x')).rejects.toMatchObject({ errno: 'EEXIST' })
  })

  test('of rclone are seen by their names alone, and asked for when they are read', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('link.rclonelink', 'target/file')
      bucket.putDirect('both', 'x')
      bucket.putDirect('both.rclonelink', 'elsewhere')
      bucket.putDirect('empty.rclonelink', '')
    })
    expect(await world.names()).toEqual(['both', 'both.rclonelink', 'empty.rclonelink', 'link'])
    expect(await world.find('link')).toMatchObject({ kind: 'symlink', sizeBytes: 11 })
    expect(world.bucket.requests()).toEqual({ list: 1 })
    expect(await readlink(world, 'link')).toBe('target/file')
    expect(await readlink(world, 'link')).toBe('target/file')
    expect(world.bucket.requests()).toEqual({ list: 1, get: 1 })
  })

  test('of rclone stay in its form when they are renamed, and go when they are removed', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('old.rclonelink', 'target', { metadata: { mtime: '5' } })
    })
    await rename(world, 'old', 'new')
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual(['new.rclonelink'])
    expect(world.bucket.stored('new.rclonelink')?.metadata).toEqual({ mtime: '5' })
    await world.run(world.clock.sleep(LISTING_FRESH_MS + 1, new AbortController().signal))
    expect(await world.names()).toEqual(['new'])
    expect(await readlink(world, 'new')).toBe('target')
    await unlink(world, 'new')
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual([])
  })

  test('that another client replaces show the new target, or become the file they are now', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('rclone.rclonelink', 'before')
    })
    await symlink(world, 'ours', 'before')
    await world.engine.flush()
    expect(await readlink(world, 'rclone')).toBe('before')
    world.bucket.putDirect('rclone.rclonelink', 'after')
    world.bucket.putDirect('ours', 'an ordinary file now, of more bytes than a link')
    await world.run(world.clock.sleep(LISTING_FRESH_MS + 1, new AbortController().signal))
    await world.names()
    expect(await readlink(world, 'rclone')).toBe('after')
    expect((await world.find('ours')).kind).toBe('file')
    expect(await world.read('ours')).toMatch(/^an ordinary file/)
  })

  test('whose object holds no target fail to be read, alone', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('nul.rclonelink', 'target\0')
      bucket.putDirect('no-text.rclonelink', new Uint8Array([0xff, 0xfe]))
      bucket.putDirect('nothing.rclonelink', '\0x')
    })
    expect(await readlink(world, 'nul')).toBe('target')
    await expect(readlink(world, 'no-text')).rejects.toMatchObject({ errno: 'EINVAL' })
    await expect(readlink(world, 'nothing')).rejects.toMatchObject({ errno: 'EINVAL' })
  })
})
