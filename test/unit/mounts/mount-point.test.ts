/** Which folders a bucket may be mounted on, and what is never touched to find out. */
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { MountEntry } from '../../../engine/mounts/mount-info.ts'
import {
  cleanStaleMount,
  findStaleMounts,
  type MountPointSystem,
  prepareMountPoint,
  realMountPath,
} from '../../../engine/mounts/mount-point.ts'
import type { FileFacts } from '../../../engine/mounts/path-walk.ts'

type Thing = 'file' | 'folder' | { link: string } | { foreign: number }

/** A small file tree; whatever lies inside a mount throws when it is asked. */
class FakeSystem implements MountPointSystem {
  uid = 1000
  readonly things: Map<string, Thing>
  mounted: MountEntry[] = []
  readonly dead = new Set<string>()
  readonly made: string[] = []

  constructor(things: Record<string, Thing>) {
    this.things = new Map(Object.entries({ '/': 'folder', ...things }))
  }

  async mounts() {
    return this.mounted
  }

  async lstat(path: string): Promise<FileFacts | undefined> {
    this.#refuseTouching(path)
    const thing = this.things.get(path)
    if (thing === undefined) return undefined
    if (thing === 'file') return { kind: 'other', uid: this.uid, mode: 0o644 }
    if (thing === 'folder') return { kind: 'directory', uid: this.uid, mode: 0o755 }
    if ('link' in thing) return { kind: 'link', uid: this.uid, mode: 0o777 }
    return { kind: 'directory', uid: thing.foreign, mode: 0o755 }
  }

  async readlink(path: string) {
    const thing = this.things.get(path)
    if (typeof thing !== 'object' || !('link' in thing)) throw new Error('not a link')
    return thing.link
  }

  async names(dir: string, max: number) {
    this.#refuseTouching(dir)
    const inside = [...this.things.keys()].filter(
      (path) => path !== '/' && posix.dirname(path) === dir,
    )
    return inside.map((path) => posix.basename(path)).slice(0, max)
  }

  async makeFolder(dir: string) {
    this.made.push(dir)
  }

  async isDead(mountPoint: string) {
    return this.dead.has(mountPoint)
  }

  async unmountStale(mountPoint: string) {
    const last = this.mounted.findLastIndex((entry) => entry.dir === mountPoint)
    this.mounted.splice(last, 1)
    if (!this.mounted.some((entry) => entry.dir === mountPoint)) this.dead.delete(mountPoint)
  }

  #refuseTouching(path: string): void {
    const mount = this.mounted.find(
      (entry) => entry.type.startsWith('fuse.') && `${path}/`.startsWith(`${entry.dir}/`),
    )
    if (mount) throw new Error(`${path} was touched, which can hang`)
  }
}

const HOME: Record<string, Thing> = {
  '/home': 'folder',
  '/home/ada': 'folder',
  '/home/ada/empty': 'folder',
  '/home/ada/full': 'folder',
  '/home/ada/full/a.txt': 'file',
  '/home/ada/full/b': 'folder',
  '/home/ada/full/c': 'file',
  '/home/ada/full/d': 'file',
  '/home/ada/file': 'file',
  '/home/ada/link': { link: 'empty' },
  '/home/ada/loop': { link: '/home/ada/loop' },
  '/home/ada/theirs': { foreign: 1001 },
  '/home/ada/bucket': 'folder',
}
const pailOn = (dir: string): MountEntry => ({ dir, type: 'fuse.pail', source: 'pail:demo' })
const KEEP = { createDir: false }

function refusal(code: string, where: object = {}) {
  return expect.objectContaining({ code, where: expect.objectContaining(where) })
}

describe('Place to mount on', () => {
  test('an empty folder is taken as it is, a link to one by its real path', async () => {
    const system = new FakeSystem(HOME)
    const dir = '/home/ada/empty'
    expect(await prepareMountPoint(dir, KEEP, system)).toEqual({ dir, wasMade: false })
    expect(await prepareMountPoint('/home/ada/link', KEEP, system)).toMatchObject({ dir })
    expect(await prepareMountPoint('/home/../home/ada//empty/', KEEP, system)).toMatchObject({
      dir,
    })
  })

  test.each([
    ['/home/ada/nothing', 'mount/folder-missing', { dir: '/home/ada/nothing' }],
    ['/home/ada/file', 'mount/not-a-folder', { dir: '/home/ada/file' }],
    ['/home/ada/file/below', 'mount/not-a-folder', { dir: '/home/ada/file' }],
    ['/home/ada/full', 'mount/folder-not-empty', { names: 'a.txt, b, c, …' }],
    ['/home/ada/theirs', 'mount/refused', { uid: 1001 }],
    ['/home/ada/loop', 'input/invalid', {}],
  ])('%s is refused with %s', async (dir, code, where) => {
    await expect(prepareMountPoint(dir, KEEP, new FakeSystem(HOME))).rejects.toEqual(
      refusal(code, where),
    )
  })

  test('a missing folder is made when that was asked for', async () => {
    const system = new FakeSystem(HOME)
    const dir = '/home/ada/new/deep'
    expect(await prepareMountPoint(dir, { createDir: true }, system)).toEqual({
      dir,
      wasMade: true,
    })
    expect(system.made).toEqual([dir])
  })

  test('root may mount on a folder of somebody else', async () => {
    const system = new FakeSystem(HOME)
    system.uid = 0
    await expect(prepareMountPoint('/home/ada/theirs', KEEP, system)).resolves.toBeDefined()
  })

  test('a mounted folder, and one inside it, are refused without touching the mount', async () => {
    const system = new FakeSystem(HOME)
    system.mounted = [pailOn('/home/ada/bucket')]
    await expect(prepareMountPoint('/home/ada/bucket', KEEP, system)).rejects.toEqual(
      refusal('mount/already-mounted', { mountPoint: '/home/ada/bucket' }),
    )
    await expect(prepareMountPoint('/home/ada/bucket/x/y', KEEP, system)).rejects.toEqual(
      refusal('mount/inside-mount', { mountPoint: '/home/ada/bucket' }),
    )
  })

  test('a link into a mounted folder does not get around the check', async () => {
    const system = new FakeSystem({ ...HOME, '/home/ada/in': { link: 'bucket/sub' } })
    system.mounted = [pailOn('/home/ada/bucket')]
    await expect(prepareMountPoint('/home/ada/in', KEEP, system)).rejects.toEqual(
      refusal('mount/inside-mount'),
    )
  })

  test('a mount of another program that can hang counts as well', async () => {
    const system = new FakeSystem(HOME)
    system.mounted = [{ dir: '/home/ada/bucket', type: 'fuse.s3fs', source: 's3fs' }]
    await expect(prepareMountPoint('/home/ada/bucket/x', KEEP, system)).rejects.toEqual(
      refusal('mount/inside-mount'),
    )
    expect(await realMountPath('/home/ada/bucket/x', system)).toBe('/home/ada/bucket/x')
  })

  test('what a crashed engine left behind is taken away first, twice if need be', async () => {
    const system = new FakeSystem(HOME)
    system.mounted = [pailOn('/home/ada/bucket'), pailOn('/home/ada/bucket')]
    system.dead.add('/home/ada/bucket')
    const dir = '/home/ada/bucket'
    expect(await prepareMountPoint(dir, KEEP, system)).toEqual({ dir, wasMade: false })
    expect(system.mounted).toEqual([])
  })

  test('leftovers are found and cleaned, living mounts are left alone', async () => {
    const system = new FakeSystem(HOME)
    system.mounted = [pailOn('/home/ada/bucket'), pailOn('/home/ada/empty')]
    system.dead.add('/home/ada/bucket')
    expect(await findStaleMounts(system)).toEqual(['/home/ada/bucket'])
    expect(await cleanStaleMount('/home/ada/empty', system)).toBe(false)
    expect(await cleanStaleMount('/home/ada/bucket', system)).toBe(true)
    expect(system.mounted).toEqual([pailOn('/home/ada/empty')])
  })
})
