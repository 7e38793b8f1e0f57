import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { replaceFile } from '../../../engine/base/disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const bytes = (content: string) => Buffer.from(content)

async function writeFile(disk: MemoryDisk, path: string, content: string, isSynced = false) {
  const file = await disk.open(path, 'write')
  await file.write(bytes(content), 0)
  if (isSynced) await file.sync()
  await file.close()
}

/** Every distinct outcome of a power cut, over many seeds. */
function outcomes<T>(disk: MemoryDisk, look: (left: MemoryDisk) => T, count?: number): Set<T> {
  const seen = new Set<T>()
  for (let seed = 0; seed < 300; seed++) seen.add(look(disk.cut(new SeededRandom(seed), count)))
  return seen
}

const contentOr = (path: string) => (left: MemoryDisk) =>
  left.paths.includes(path) ? text(left.contentOf(path)) : 'gone'

describe('MemoryDisk', () => {
  test('behaves like a disk while nothing fails', async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('/a/b')
    await writeFile(disk, '/a/b/file', 'hello')
    const file = await disk.open('/a/b/file', 'read')
    const into = Buffer.alloc(10)
    expect(await file.read(into, 3)).toBe(2)
    expect(await file.read(into, 7)).toBe(0)
    await expect(file.write(into, 0)).rejects.toMatchObject({ code: 'store/io' })
    await disk.rename('/a/b/file', '/a/other')
    expect(await disk.list('/a')).toEqual(['b', 'other'])
    expect(await disk.exists('/a/b/file')).toBe(false)
    await disk.remove('/a/other')
    await disk.remove('/a/other')
    expect(await file.read(into, 0)).toBe(5)
    await file.close()
    expect([disk.openFiles, disk.usedBytes]).toEqual([0, 0])
    await expect(disk.open('/a/other', 'read')).rejects.toMatchObject({ code: 'store/io' })
    await expect(disk.open('/nowhere/x', 'create')).rejects.toMatchObject({ code: 'store/io' })
  })

  test('reads holes as zeros and counts only what was written', async () => {
    const disk = new MemoryDisk({ capacityBytes: 12 * 1024 })
    const file = await disk.open('/sparse', 'create')
    await file.write(bytes('x'), 1_000_000)
    const into = Buffer.alloc(4, 9)
    await file.read(into, 500_000)
    expect([...into]).toEqual([0, 0, 0, 0])
    expect(await disk.allocatedBytes('/sparse')).toBe(4096)
    await expect(file.write(Buffer.alloc(9000), 0)).rejects.toMatchObject({
      code: 'store/disk-full',
    })
    await file.truncate(10)
    expect(await file.size()).toBe(10)
    expect((await disk.space('/')).freeBytes).toBe(12 * 1024)
    await file.close()
  })

  test('a synced file with a synced name survives every cut', async () => {
    const disk = new MemoryDisk()
    await writeFile(disk, '/file', 'kept', true)
    await disk.syncDirectory('/')
    expect(outcomes(disk, contentOr('/file'))).toEqual(new Set(['kept']))
  })

  test('a synced file whose name was not synced may be gone', async () => {
    const disk = new MemoryDisk()
    await writeFile(disk, '/file', 'kept', true)
    expect(outcomes(disk, contentOr('/file'))).toEqual(new Set(['kept', 'gone']))
  })

  test('unsynced bytes may be kept, lost or zero, and later ones without earlier ones', async () => {
    const disk = new MemoryDisk()
    await (await disk.open('/file', 'create')).close()
    await disk.syncDirectory('/')
    const file = await disk.open('/file', 'write')
    await file.write(bytes('AA'), 0)
    await file.write(bytes('BB'), 2)
    await file.close()
    const seen = outcomes(disk, contentOr('/file'))
    for (const each of ['AABB', 'AA', '', '\0\0BB', '\0\0\0\0']) expect(seen).toContain(each)
    expect(seen).not.toContain('gone')
  })

  test('a large unsynced write may be torn at 512 bytes, and only there', async () => {
    const disk = new MemoryDisk()
    await (await disk.open('/file', 'create')).close()
    await disk.syncDirectory('/')
    const file = await disk.open('/file', 'write')
    await file.write(Buffer.alloc(2048, 'x'), 0)
    await file.close()
    const seen = outcomes(disk, contentOr('/file'))
    expect(seen.size).toBeGreaterThan(8)
    for (const each of seen) {
      for (let at = 0; at < each.length; at += 512) {
        expect(new Set(each.slice(at, at + 512)).size).toBeLessThanOrEqual(1)
      }
    }
  })

  test('replaceFile leaves the old or the new content, wherever power goes', async () => {
    const disk = new MemoryDisk()
    await writeFile(disk, '/file', 'old', true)
    await disk.syncDirectory('/')
    const before = disk.steps.length
    await replaceFile(disk, '/file', bytes('new'))
    const all = new Set<string>()
    for (let count = before; count <= disk.steps.length; count++) {
      for (const each of outcomes(disk, contentOr('/file'), count)) all.add(each)
    }
    expect(all).toEqual(new Set(['old', 'new']))
    expect(outcomes(disk, contentOr('/file'))).toEqual(new Set(['new']))
  })

  test('a rename without the sync before it shows as a damaged file (the disk is that harsh)', async () => {
    const disk = new MemoryDisk()
    await writeFile(disk, '/file', 'old', true)
    await disk.syncDirectory('/')
    await writeFile(disk, '/file.new', 'new')
    await disk.rename('/file.new', '/file')
    await disk.syncDirectory('/')
    const seen = outcomes(disk, contentOr('/file'))
    expect(seen).toContain('')
    expect(seen).toContain('\0\0\0')
  })

  test('a kill keeps everything, ends the old process, and power can still go afterwards', async () => {
    const disk = new MemoryDisk()
    await writeFile(disk, '/file', 'unsynced')
    const next = disk.killed()
    expect(text(next.contentOf('/file'))).toBe('unsynced')
    await expect(disk.list('/')).rejects.toMatchObject({ code: 'store/io' })
    expect(outcomes(next, contentOr('/file'))).toContain('gone')
    next.checkpoint()
    expect(outcomes(next, contentOr('/file'))).toEqual(new Set(['unsynced']))
  })

  test('fails the N-th call, once or from then on, of all or of some kinds', async () => {
    for (let at = 1; at <= 4; at++) {
      const disk = new MemoryDisk()
      disk.fail({ at, errno: 'EIO' })
      // create, write, sync.
      const work = writeFile(disk, '/file', 'x', true)
      if (at <= 3) await expect(work).rejects.toMatchObject({ code: 'store/io' })
      else await work
      expect(disk.stepCount).toBe(at - 1)
    }
    const disk = new MemoryDisk()
    disk.fail({ at: 2, errno: 'ENOSPC', calls: ['write'], isLasting: true })
    await writeFile(disk, '/a', '1')
    for (const path of ['/b', '/c']) {
      await expect(writeFile(disk, path, '2')).rejects.toMatchObject({ code: 'store/disk-full' })
    }
    disk.healed()
    await writeFile(disk, '/d', '3')
  })

  test('equal seeds leave equal disks', async () => {
    const disk = new MemoryDisk()
    for (let i = 0; i < 20; i++) await writeFile(disk, `/f${i % 5}`, `content ${i}`, i % 3 === 0)
    const look = (left: MemoryDisk) =>
      JSON.stringify(left.paths.map((path) => [path, text(left.contentOf(path))]))
    for (let seed = 0; seed < 20; seed++) {
      const [a, b] = [disk.cut(new SeededRandom(seed)), disk.cut(new SeededRandom(seed))]
      expect(look(a)).toBe(look(b))
    }
  })
})
