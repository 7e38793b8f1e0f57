import { describe, expect, test } from 'vitest'
import { LISTING_FRESH_MS } from '../../../engine/sync/listing.ts'
import type { BareOptions } from '../../support/bare-engine.ts'
import { BareWorld } from '../../support/bare-world.ts'

const ROOT = { owner: { uid: 0, gid: 0 } }
const SECOND = 1_000_000_000n
const S3FS_FILE = {
  metadata: {
    mode: '33152',
    uid: '7',
    gid: '8',
    mtime: '1600000000.000000005',
    ctime: '1700000001',
  },
}
const S3FS_LINK = { metadata: { mode: '41471', uid: '7', gid: '8', mtime: '1600000000' } }

const nothingMore = (world: BareWorld) => world.bucket.resetRequests()

async function setMode(world: BareWorld, path: string, mode: number) {
  const { id } = await world.find(path)
  await world.run(world.vfs.setattr(world.context, { id }, { mode }))
}

/** Opens by the path as the kernel does: once more when it is told that the path is outdated. */
async function readlinkAfterOpen(world: BareWorld, path: string): Promise<string> {
  await expect(world.read(path)).rejects.toMatchObject({ errno: 'ESTALE' })
  const { id, kind } = await world.find(path)
  expect(kind).toBe('symlink')
  return world.run(world.vfs.readlink(world.context, id))
}

/** What may be learned again is committed a little later: a kill before that only asks once more. */
const COMMITTED_MS = 1_000

describe('The metadata of objects', () => {
  test('is learned with the bytes, told to the kernel, and remembered', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('f', 'x', S3FS_FILE), ROOT)
    const changes: string[] = []
    world.vfs.watch((all) => changes.push(...all.map(({ type, origin }) => `${origin} ${type}`)))
    expect(await world.find('f')).toMatchObject({ mode: 0o644, uid: 0 })
    expect(world.bucket.requests()).toEqual({ list: 1 })
    expect(await world.read('f')).toBe('x')
    const learned = {
      mode: 0o600,
      uid: 7,
      gid: 8,
      mtime: 1_600_000_000n * SECOND + 5n,
      ctime: 1_700_000_001n * SECOND,
    }
    expect(await world.find('f')).toMatchObject(learned)
    expect(world.bucket.requests()).toEqual({ list: 1, get: 1 })
    expect(changes).toContain('remote attributes')
    await world.clock.advance(COMMITTED_MS)
    await world.killed()
    expect(await world.find('f')).toMatchObject(learned)
  })

  test('of another user is kept in the bucket, and not shown to one who cannot give files away', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('f', 'x', S3FS_FILE))
    await world.read('f')
    expect(await world.find('f')).toMatchObject({ mode: 0o600, uid: 1000, gid: 1000 })
    await setMode(world, 'f', 0o640)
    await world.engine.flush()
    expect(world.bucket.stored('f')?.metadata).toMatchObject({ mode: '33184', uid: '7', gid: '8' })
  })

  test('of a version that is not there any more is not believed', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('f', 'x', S3FS_FILE), ROOT)
    await world.read('f')
    world.bucket.putDirect('f', 'other', { metadata: { mode: String(0o100755) } })
    await world.run(world.clock.sleep(LISTING_FRESH_MS + 1, new AbortController().signal))
    await world.names()
    expect(await world.read('f')).toBe('other')
    expect(await world.find('f')).toMatchObject({ mode: 0o755 })
  })

  test('yields to what a program has set and the bucket does not have yet', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('f', 'x', S3FS_FILE), ROOT)
    await setMode(world, 'f', 0o751)
    expect(await world.read('f')).toBe('x')
    expect(await world.find('f')).toMatchObject({ mode: 0o751 })
  })

  test('makes a small object the link that s3fs stored, when it is opened', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('link', 'target', S3FS_LINK)
      bucket.putDirect('file', 'target')
      bucket.putDirect('large', 'x'.repeat(4096), S3FS_LINK)
    }, ROOT)
    expect(await world.find('link')).toMatchObject({ kind: 'file', sizeBytes: 6 })
    expect(await readlinkAfterOpen(world, 'link')).toBe('target')
    expect(await world.find('link')).toMatchObject({ sizeBytes: 6, uid: 7, mode: 0o777 })
    nothingMore(world)
    expect(await world.read('file')).toBe('target')
    expect((await world.read('large')).length).toBe(4096)
    expect(world.bucket.requests()).toEqual({ get: 2 })
    await world.clock.advance(COMMITTED_MS)
    await world.killed()
    expect((await world.find('link')).kind).toBe('symlink')
  })

  test('keeps a link from being written over by a program that takes it for a file', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('link', 'x', S3FS_LINK))
    await expect(world.write('link', 'new')).rejects.toMatchObject({ errno: 'ESTALE' })
    expect((await world.find('link')).kind).toBe('symlink')
    await world.engine.flush()
    expect(world.bucket.versions('link')).toHaveLength(1)
  })

  test('keeps a link that was emptied without network, beside what was written', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('link', 'x', S3FS_LINK))
    await world.names()
    world.network.setOffline(true)
    await world.write('link', 'new')
    world.network.setOffline(false)
    await world.engine.flush()
    const [link, ours] = world.bucket.keys()
    expect([link, ours]).toEqual(['link', expect.stringMatching(/^link \(conflict host .*\)$/)])
    expect(Buffer.from(world.bucket.bytesOf(ours ?? '') ?? []).toString()).toBe('new')
    expect(world.bucket.versions('link')).toHaveLength(1)
  })

  test('brings extended attributes of s3fs along, but none that the system acts upon', async () => {
    const xattr = encodeURIComponent(
      JSON.stringify({ 'user.a': 'MQ==', 'security.x': 'MQ==', 'user.pail.x': 'MQ==' }),
    )
    const world = await BareWorld.started((bucket) =>
      bucket.putDirect('f', 'x', { metadata: { xattr } }),
    )
    await world.read('f')
    const { id } = await world.find('f')
    expect(await world.vfs.listxattr(world.context, { id })).toEqual(['user.a'])
  })
})

describe('A mount that asks for all attributes', () => {
  const ALL = { ...ROOT, attributes: 'all' as const }

  async function started() {
    return BareWorld.started((bucket) => {
      bucket.putDirect('f', 'x', S3FS_FILE)
      bucket.putDirect('link', 'f', S3FS_LINK)
      bucket.putDirect('d/', '', { metadata: { mode: String(0o040700), mtime: '5' } })
      bucket.putDirect('implicit/f', 'x')
      for (let index = 0; index < 300; index++) bucket.putDirect(`n/${index}`, 'x', S3FS_FILE)
    }, ALL)
  }

  test('shows them in its first listing, by one request for each, and asks no second time', async () => {
    const world = await started()
    expect(await world.names()).toEqual(['d', 'f', 'implicit', 'link', 'n'])
    expect(await world.find('f')).toMatchObject({ mode: 0o600, uid: 7 })
    expect(await world.find('link')).toMatchObject({ kind: 'symlink', uid: 7 })
    expect(await world.find('d')).toMatchObject({ mode: 0o700, mtime: 5n * SECOND })
    expect(world.bucket.requests()).toEqual({ list: 1, head: 5 })
    // What was learned is committed within moments, and nobody waits for it.
    await world.run(world.clock.sleep(1_000, new AbortController().signal))
    await world.killed()
    nothingMore(world)
    await world.run(world.clock.sleep(LISTING_FRESH_MS + 1, new AbortController().signal))
    await world.names()
    expect(world.bucket.requests().head).toBeUndefined()
  })

  test('shows every entry of a large directory once', async () => {
    const world = await started()
    expect(await world.names('n')).toHaveLength(300)
    expect(await world.find('n/299')).toMatchObject({ mode: 0o600 })
  })

  test('shows a directory of nothing but links', async () => {
    const world = await BareWorld.started((bucket) => {
      for (let index = 0; index < 250; index++) bucket.putDirect(`${index}`, 'x', S3FS_LINK)
    }, ALL)
    expect(await world.names()).toHaveLength(250)
    expect((await world.find('7')).kind).toBe('symlink')
  })
})

describe('What other tools wrote beside the bytes', () => {
  const FOREIGN = {
    metadata: { project: 'x', md5chksum: 'y' },
    contentType: 'text/x-special',
    headers: { 'cache-control': 'no-store', 'content-encoding': 'gzip' },
    storageClass: 'STANDARD_IA',
    tags: 'team=a%26b',
  }
  const kept = (world: BareWorld, key: string) => {
    const { metadata, contentType, headers, storageClass, tags } = world.bucket.stored(key) ?? {}
    return { project: metadata?.project, contentType, headers, storageClass, tags }
  }
  const { contentType, headers, storageClass, tags } = FOREIGN
  const ALL_KEPT = { project: 'x', contentType, headers, storageClass, tags }

  async function started() {
    return BareWorld.started((bucket) => bucket.putDirect('f', 'old', FOREIGN))
  }

  test('stays when the content is replaced, but for digests of the old one', async () => {
    const world = await started()
    await world.write('f', 'new')
    await world.engine.flush()
    expect(Buffer.from(world.bucket.bytesOf('f') ?? []).toString()).toBe('new')
    expect(kept(world, 'f')).toEqual(ALL_KEPT)
    expect(world.bucket.stored('f')?.metadata).not.toHaveProperty('md5chksum')
  })

  test('stays when the mode changes, and when the file is renamed', async () => {
    const world = await started()
    await setMode(world, 'f', 0o600)
    await world.engine.flush()
    expect(kept(world, 'f')).toEqual(ALL_KEPT)
    expect(world.bucket.stored('f')?.metadata).toMatchObject({ md5chksum: 'y', mode: '33152' })
    const place = (name: string) => ({ directory: world.vfs.root, name })
    await world.run(world.vfs.rename(world.context, place('f'), place('g'), 'replace'))
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual(['g'])
    expect(kept(world, 'g')).toEqual(ALL_KEPT)
  })

  test('stays with the name when an editor saves by renaming a new file over it', async () => {
    const world = await started()
    expect(await world.read('f')).toBe('old')
    await world.write('f.tmp', 'new')
    const place = (name: string) => ({ directory: world.vfs.root, name })
    await world.run(world.vfs.rename(world.context, place('f.tmp'), place('f'), 'replace'))
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual(['f'])
    const { tags: _tags, ...withoutTags } = ALL_KEPT
    expect(kept(world, 'f')).toMatchObject(withoutTags)
  })
})

/** Another client copies an object onto itself: the same bytes and ETag under a later time. */
async function storedAnew(world: BareWorld, key: string, metadata: Record<string, string>) {
  await world.clock.advance(LISTING_FRESH_MS + 2_000)
  world.bucket.putDirect(key, world.bucket.bytesOf(key) ?? '', { metadata })
  nothingMore(world)
  // Lists the folder, and asks for nothing of its other files.
  await world.find('beside')
}

describe('The metadata of an object that was stored anew with the same bytes', () => {
  const S3FS_CHANGED = { ...S3FS_FILE.metadata, mode: String(0o100751), mtime: '1500000000' }
  const ALL = { ...ROOT, attributes: 'all' } as const
  const started = (options: Partial<BareOptions>) =>
    BareWorld.started((bucket) => {
      bucket.putDirect('f', 'x', S3FS_FILE)
      bucket.putDirect('beside', 'y')
    }, options)

  test('is asked for once by who wants all attributes, and the bytes stay here', async () => {
    const world = await started(ALL)
    expect(await world.read('f')).toBe('x')
    const { id } = await world.find('f')
    await world.find('beside')
    const told: string[] = []
    world.vfs.watch((all) => told.push(...all.map(({ type }) => type)))
    await storedAnew(world, 'f', S3FS_CHANGED)
    // By the id alone, as the kernel asks when it holds the name.
    const now = await world.run(world.vfs.getattr(world.context, { id }))
    expect(now).toMatchObject({ mode: 0o751, mtime: 1_500_000_000n * SECOND })
    expect(await world.find('f')).toMatchObject({ id, mode: 0o751, uid: 7 })
    expect(await world.read('f')).toBe('x')
    expect(world.bucket.requests()).toEqual({ list: 1, head: 1 })
    expect(told).toContain('attributes')
    expect(told).not.toContain('removed')
  })

  test('shows the time of the listing until it is read, where nothing is asked for its sake', async () => {
    const world = await started(ROOT)
    expect(await world.read('f')).toBe('x')
    await storedAnew(world, 'f', S3FS_CHANGED)
    const modified = BigInt(world.bucket.stored('f')?.modifiedMs ?? 0) * 1_000_000n
    expect(await world.find('f')).toMatchObject({ mode: 0o600, mtime: modified })
    expect(world.bucket.requests()).toEqual({ list: 1 })
    expect(await world.read('f')).toBe('x')
    expect(await world.find('f')).toMatchObject({ mode: 0o751, mtime: 1_500_000_000n * SECOND })
    expect(world.bucket.requests()).toEqual({ list: 1, head: 1 })
  })

  test('is asked for of a directory as well', async () => {
    const mode = (bits: number) => ({ metadata: { mode: String(0o040000 | bits) } })
    const world = await BareWorld.started((bucket) => bucket.putDirect('d/', '', mode(0o700)), ALL)
    await world.names('d')
    expect(await world.find('d')).toMatchObject({ mode: 0o700 })
    await world.clock.advance(LISTING_FRESH_MS + 2_000)
    world.bucket.putDirect('d/', '', mode(0o750))
    await world.names('d')
    await world.names('d')
    expect(await world.find('d')).toMatchObject({ mode: 0o750 })
  })

  test('is what was just stored, when it was this computer that stored it', async () => {
    const world = await started(ALL)
    await world.names()
    await setMode(world, 'f', 0o640)
    await world.write('g', 'new')
    await world.engine.flush()
    nothingMore(world)
    for (let round = 0; round < 3; round++) {
      await world.clock.advance(LISTING_FRESH_MS + 2_000)
      await world.names()
      expect(await world.find('f')).toMatchObject({ mode: 0o640 })
      expect(await world.find('g')).toMatchObject({ mode: 0o644 })
    }
    expect(world.bucket.requests().head).toBeUndefined()
  })

  test('keeps its own time when only the mode is changed here before it was read', async () => {
    const world = await started(ROOT)
    await setMode(world, 'f', 0o640)
    await world.engine.flush()
    const { mtime } = S3FS_FILE.metadata
    expect(world.bucket.stored('f')?.metadata).toMatchObject({ mode: String(0o100640), mtime })
    expect(await world.find('f')).toMatchObject({ mtime: 1_600_000_000n * SECOND + 5n })
  })
})

describe('Directories of other tools', () => {
  test('keep what lies in their own object, and its metadata', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('d/', 'something', { metadata: { project: 'x' }, contentType: 'text/html' })
      bucket.putDirect('d/f', 'x')
    })
    await world.names('d')
    await setMode(world, 'd', 0o700)
    await world.engine.flush()
    expect(Buffer.from(world.bucket.bytesOf('d/') ?? []).toString()).toBe('something')
    const mode = String(0o040700)
    expect(world.bucket.stored('d/')?.metadata).toMatchObject({ project: 'x', mode })
    expect(await world.names()).toEqual(['d'])
    expect(await world.names('d')).toEqual(['f', '~pail~ (object)'])
  })

  test('of Hadoop are directories alone, renamed and removed with their objects', async () => {
    const world = await BareWorld.started((bucket) => {
      bucket.putDirect('empty_$folder$', '')
      bucket.putDirect('full_$folder$', '')
      bucket.putDirect('full/f', 'x')
      bucket.putDirect('content_$folder$', 'has content')
    })
    expect(await world.names()).toEqual(['content_$folder$', 'empty', 'full'])
    expect(await world.names('empty')).toEqual([])
    const place = (name: string) => ({ directory: world.vfs.root, name })
    await world.run(world.vfs.rename(world.context, place('full'), place('moved'), 'replace'))
    const request = { kind: 'directory' } as const
    await world.run(world.vfs.remove(world.context, world.vfs.root, 'empty', request))
    await world.engine.flush()
    expect(world.bucket.keys()).toEqual(['content_$folder$', 'moved/', 'moved/f'])
  })

  describe('of old s3fs, empty objects without a slash', () => {
    const OLD = {
      contentType: 'application/x-directory',
      metadata: { mode: '16832', project: 'x' },
    }
    const ALL = { ...ROOT, attributes: 'all' as const }
    const place = (world: BareWorld, name: string) => ({ directory: world.vfs.root, name })
    const removeDirectory = (world: BareWorld, name: string) =>
      world.run(world.vfs.remove(world.context, world.vfs.root, name, { kind: 'directory' }))

    async function listedAnew(world: BareWorld, path = '') {
      await world.run(world.clock.sleep(LISTING_FRESH_MS + 1, new AbortController().signal))
      return world.names(path)
    }

    test('are directories for a mount that asks for types, and for no other', async () => {
      const put = (bucket: BareWorld['bucket']) => {
        bucket.putDirect('dir', '', OLD)
        bucket.putDirect('empty', '', { contentType: 'text/plain' })
        bucket.putDirect('full', 'content', OLD)
      }
      const world = await BareWorld.started(put, ALL)
      expect(await world.names()).toEqual(['dir', 'empty', 'full'])
      expect(await world.find('dir')).toMatchObject({ kind: 'directory', mode: 0o700 })
      expect((await world.find('empty')).kind).toBe('file')
      expect(await world.read('full')).toBe('content')
      expect(await world.names('dir')).toEqual([])
      await world.clock.advance(COMMITTED_MS)
      await world.killed()
      nothingMore(world)
      expect(await listedAnew(world)).toEqual(['dir', 'empty', 'full'])
      expect((await world.find('dir')).kind).toBe('directory')
      expect(world.bucket.requests().head).toBeUndefined()
      const other = await BareWorld.started(put, ROOT)
      expect((await other.find('dir')).kind).toBe('file')
    })

    test('get an object of the usual form when they change, and go as a whole', async () => {
      const world = await BareWorld.started((bucket) => bucket.putDirect('dir', '', OLD), ALL)
      await world.names()
      await setMode(world, 'dir', 0o750)
      await world.write('dir/f', 'below')
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual(['dir', 'dir/', 'dir/f'])
      const mode = String(0o040750)
      expect(world.bucket.stored('dir/')?.metadata).toMatchObject({ project: 'x', mode })
      expect(await listedAnew(world)).toEqual(['dir'])
      const { id } = await world.find('dir')
      await world.run(world.vfs.remove(world.context, id, 'f', { kind: 'file' }))
      await removeDirectory(world, 'dir')
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual([])
      expect(await listedAnew(world)).toEqual([])
    })

    test('take their children along to another name, and leave nothing under the old one', async () => {
      const world = await BareWorld.started((bucket) => {
        bucket.putDirect('a', '', OLD)
        bucket.putDirect('a/f', 'x')
        bucket.putDirect('b', '', OLD)
      }, ALL)
      expect(await world.names()).toEqual(['a', 'b'])
      for (const [from, to] of [['a', 'moved'] as const, ['b', 'a'] as const]) {
        const { vfs, context } = world
        await world.run(vfs.rename(context, place(world, from), place(world, to), 'replace'))
      }
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual(['a/', 'moved/', 'moved/f'])
      expect(world.bucket.stored('moved/')?.metadata).toMatchObject({ mode: String(0o040700) })
      expect(await listedAnew(world)).toEqual(['a', 'moved'])
      expect(await world.names('moved')).toEqual(['f'])
    })

    test('move along with the directory above them', async () => {
      const world = await BareWorld.started((bucket) => bucket.putDirect('d/old', '', OLD), ALL)
      expect(await world.names('d')).toEqual(['old'])
      const { vfs, context } = world
      await world.run(vfs.rename(context, place(world, 'd'), place(world, 'e'), 'replace'))
      await world.engine.flush()
      expect(await listedAnew(world, 'e')).toEqual(['old'])
      expect((await world.find('e/old')).kind).toBe('directory')
      await world.run(vfs.remove(context, (await world.find('e')).id, 'old', { kind: 'directory' }))
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual(['e/'])
    })

    test('are no directories where the objects of another one are still about to leave', async () => {
      const world = await BareWorld.started((bucket) => bucket.putDirect('a/f', 'x'), ALL)
      expect(await world.names('a')).toEqual(['f'])
      const { vfs, context } = world
      await world.run(vfs.rename(context, place(world, 'a'), place(world, 'moved'), 'replace'))
      world.bucket.putDirect('a', '', OLD)
      await world.run(world.engine.volume.listings.refresh(vfs.root, context.signal))
      expect((await world.find('a')).kind).toBe('file')
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual(['a', 'moved/f'])
      expect(await listedAnew(world)).toEqual(['a', 'moved'])
    })

    test('leave alone what somebody stores in their place', async () => {
      const world = await BareWorld.started((bucket) => {
        bucket.putDirect('dir', '', OLD)
        bucket.putDirect('dir/f', 'x')
        bucket.putDirect('gone', '', OLD)
      }, ALL)
      expect(await world.names()).toEqual(['dir', 'gone'])
      world.bucket.putDirect('dir', 'theirs')
      await removeDirectory(world, 'gone')
      world.bucket.putDirect('gone', 'theirs')
      await world.engine.flush()
      expect(await listedAnew(world)).toEqual(['dir', 'dir (object)', 'gone'])
      expect(await world.read('gone')).toBe('theirs')
      await world.run(
        world.vfs.remove(world.context, (await world.find('dir')).id, 'f', { kind: 'file' }),
      )
      await removeDirectory(world, 'dir')
      await world.engine.flush()
      expect(world.bucket.keys()).toEqual(['dir', 'gone'])
    })
  })
})
