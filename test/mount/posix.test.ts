/**
 * What POSIX says about names, rights, times and limits, as our own sentences: the part of
 * `npm run conformance` that a checkout without a Rust compiler still checks.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { ordinaryUser, type User } from '../support/unprivileged.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'posix'
const FILE_BYTES_MAX = 10_000_000_000_000

let server: Versitygw
let mount: PailHome
let user: User

beforeAll(async () => {
  server = await startVersitygw()
  await server.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET, allowOther: true })
  await fs.chmod(mount.home, 0o755)
  user = await ordinaryUser()
})

afterAll(async () => {
  await mount?.cleanUp()
  await server?.stop()
})

let folders = 0

async function newFolder(mode = 0o755): Promise<string> {
  const dir = mount.path(`folder-${++folders}`)
  await fs.mkdir(dir)
  await fs.chmod(dir, mode)
  return dir
}

/** Runs a shell script as somebody who did not mount the folder. @returns what it said, or its error */
async function asUser(script: string): Promise<string> {
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  try {
    return (await run('setpriv', [...ids, 'sh', '-ec', script], { cwd: '/' })).stdout
  } catch (thrown) {
    return String(thrown)
  }
}

describe('Renaming', () => {
  test('a folder over one that is not empty is refused, and everything stays', async () => {
    const dir = await newFolder()
    await fs.mkdir(join(dir, 'from'))
    await fs.mkdir(join(dir, 'to/inner'), { recursive: true })
    await fs.writeFile(join(dir, 'to/kept'), 'kept')
    await expect(fs.rename(join(dir, 'from'), join(dir, 'to'))).rejects.toThrow(/ENOTEMPTY|EEXIST/)
    expect(await fs.readFile(join(dir, 'to/kept'), 'utf8')).toBe('kept')
    expect((await fs.readdir(join(dir, 'to'))).sort()).toEqual(['inner', 'kept'])
    expect((await fs.readdir(dir)).sort()).toEqual(['from', 'to'])
  })

  test('a folder over one that is empty takes its place', async () => {
    const dir = await newFolder()
    await fs.mkdir(join(dir, 'from'))
    await fs.writeFile(join(dir, 'from/inside'), 'x')
    await fs.mkdir(join(dir, 'to'))
    await fs.rename(join(dir, 'from'), join(dir, 'to'))
    expect(await fs.readdir(dir)).toEqual(['to'])
    expect(await fs.readFile(join(dir, 'to/inside'), 'utf8')).toBe('x')
  })

  test('a file over a folder, a folder over a file, and a folder into itself are refused', async () => {
    const dir = await newFolder()
    const [file, folder] = [join(dir, 'file'), join(dir, 'folder')]
    await fs.writeFile(file, 'x')
    await fs.mkdir(folder)
    await expect(fs.rename(file, folder)).rejects.toThrow('EISDIR')
    await expect(fs.rename(folder, file)).rejects.toThrow('ENOTDIR')
    await expect(fs.rename(folder, join(folder, 'inner'))).rejects.toThrow('EINVAL')
    await expect(fs.rename(join(dir, 'absent'), file)).rejects.toThrow('ENOENT')
    await expect(fs.rename(join(file, 'x'), folder)).rejects.toThrow('ENOTDIR')
  })
})

describe('Making', () => {
  test('a folder where something is, of whatever kind, is refused', async () => {
    const dir = await newFolder()
    await fs.writeFile(join(dir, 'file'), 'x')
    await fs.mkdir(join(dir, 'folder'))
    await expect(fs.mkdir(join(dir, 'file'))).rejects.toThrow('EEXIST')
    await expect(fs.mkdir(join(dir, 'folder'))).rejects.toThrow('EEXIST')
    await expect(fs.mkdir(join(dir, 'file/inner'))).rejects.toThrow('ENOTDIR')
    await expect(fs.mkdir(join(dir, 'absent/inner'))).rejects.toThrow('ENOENT')
  })

  test('a file that must be new is refused where something is', async () => {
    const dir = await newFolder()
    await fs.writeFile(join(dir, 'file'), 'kept')
    await fs.mkdir(join(dir, 'folder'))
    await expect(fs.open(join(dir, 'file'), 'wx')).rejects.toThrow('EEXIST')
    await expect(fs.open(join(dir, 'folder'), 'wx')).rejects.toThrow('EEXIST')
    await expect(fs.open(join(dir, 'folder'), 'w')).rejects.toThrow('EISDIR')
    expect(await fs.readFile(join(dir, 'file'), 'utf8')).toBe('kept')
  })

  test('names of 255 bytes work, and one more is refused before anything is asked', async () => {
    const dir = await newFolder()
    const longest = `${'ä'.repeat(127)}x`
    await fs.writeFile(join(dir, longest), 'x')
    expect(await fs.readdir(dir)).toEqual([longest])
    await expect(fs.writeFile(join(dir, `${longest}y`), 'x')).rejects.toThrow('ENAMETOOLONG')
    await expect(fs.stat(join(dir, `${longest}y`))).rejects.toThrow('ENAMETOOLONG')
    await expect(fs.mkdir(join(dir, `${longest}y`))).rejects.toThrow('ENAMETOOLONG')
  })

  test('a key of 1,024 bytes is the last that works, also for what is in a moved folder', async () => {
    let dir = await newFolder()
    const bytesOf = (path: string) => Buffer.byteLength(path) - Buffer.byteLength(mount.dir) - 1
    const part = 'p'.repeat(99)
    while (bytesOf(dir) < 700) {
      dir = join(dir, part)
      await fs.mkdir(dir)
    }
    const below = join(dir, 'd'.repeat(800 - bytesOf(dir)))
    await fs.mkdir(below)
    const longest = 'f'.repeat(1024 - bytesOf(below) - 1)
    await fs.writeFile(join(below, longest), 'longest')
    await expect(fs.writeFile(join(below, `${longest}f`), 'x')).rejects.toThrow('ENAMETOOLONG')
    await expect(fs.mkdir(join(below, longest))).rejects.toThrow(/EEXIST|ENAMETOOLONG/)
    await expect(fs.mkdir(join(below, 'g'.repeat(longest.length)))).rejects.toThrow('ENAMETOOLONG')
    await fs.rename(below, join(dir, 'e'))
    await expect(fs.rename(join(dir, 'e'), `${below}d`)).rejects.toThrow('ENAMETOOLONG')
    await fs.rename(join(dir, 'e'), below)
    await mount.flush()
    const key = join(below, longest).slice(mount.dir.length + 1)
    expect(await fs.readFile(join(server.dir, BUCKET, key), 'utf8')).toBe('longest')
  })
})

describe('Removing', () => {
  test('a file that is open keeps its bytes for who has it open', async () => {
    const dir = await newFolder()
    const file = await fs.open(join(dir, 'f'), 'w+')
    try {
      await file.writeFile('first')
      await fs.unlink(join(dir, 'f'))
      await expect(fs.stat(join(dir, 'f'))).rejects.toThrow('ENOENT')
      expect((await file.stat()).nlink).toBe(0)
      await file.write(' second', 5)
      const into = Buffer.alloc(20)
      const { bytesRead } = await file.read(into, 0, 20, 0)
      expect(into.toString('utf8', 0, bytesRead)).toBe('first second')
    } finally {
      await file.close()
    }
    expect(await fs.readdir(dir)).toEqual([])
  })

  test('the wrong kind, and a folder with something in it, is refused', async () => {
    const dir = await newFolder()
    await fs.mkdir(join(dir, 'folder'))
    await fs.writeFile(join(dir, 'folder/file'), 'x')
    await expect(fs.unlink(join(dir, 'folder'))).rejects.toThrow(/EISDIR|EPERM/)
    await expect(fs.rmdir(join(dir, 'folder'))).rejects.toThrow('ENOTEMPTY')
    await expect(fs.rmdir(join(dir, 'folder/file'))).rejects.toThrow('ENOTDIR')
  })
})

describe('Truncating', () => {
  test.each(['by name', 'by descriptor'] as const)('%s cuts, and fills with zeros', async (how) => {
    const path = join(await newFolder(), 'f')
    await fs.writeFile(path, 'abcdef')
    await truncate(path, 3, how)
    expect(await fs.readFile(path, 'utf8')).toBe('abc')
    await truncate(path, 5, how)
    expect(await fs.readFile(path, 'latin1')).toBe('abc\0\0')
    expect((await fs.stat(path)).size).toBe(5)
    await truncate(path, 0, how)
    expect((await fs.stat(path)).size).toBe(0)
  })

  test('to more than an object can hold is refused and changes nothing', async () => {
    const path = join(await newFolder(), 'f')
    await fs.writeFile(path, 'abc')
    for (const how of ['by name', 'by descriptor'] as const) {
      await expect(truncate(path, FILE_BYTES_MAX + 1, how)).rejects.toThrow('EFBIG')
    }
    expect(await fs.readFile(path, 'utf8')).toBe('abc')
  })

  test('changes mtime and ctime; a folder and a program that runs are refused', async () => {
    const dir = await newFolder()
    const path = join(dir, 'sleep')
    await fs.copyFile('/bin/sleep', path)
    await fs.chmod(path, 0o755)
    await fs.utimes(path, 1, 1)
    const before = await fs.stat(path)
    const child = execFile(path, ['60'])
    try {
      await new Promise((resolve) => child.once('spawn', resolve))
      for (const flags of ['r+', 'w', 'a']) {
        await expect(fs.open(path, flags)).rejects.toThrow('ETXTBSY')
      }
      await expect(fs.truncate(path, 1)).rejects.toThrow('ETXTBSY')
      const { O_RDONLY, O_TRUNC } = fs.constants
      await expect(fs.open(path, O_RDONLY | O_TRUNC)).rejects.toThrow('ETXTBSY')
      expect((await fs.stat(path)).size).toBe(before.size)
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
    }
    await fs.truncate(path, 1)
    const after = await fs.stat(path)
    expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs)
    expect(after.ctimeMs).toBeGreaterThan(before.ctimeMs)
    await expect(fs.truncate(dir, 0)).rejects.toThrow('EISDIR')
  })
})

async function truncate(path: string, sizeBytes: number, how: 'by name' | 'by descriptor') {
  if (how === 'by name') return fs.truncate(path, sizeBytes)
  const file = await fs.open(path, 'r+')
  try {
    await file.truncate(sizeBytes)
    expect((await file.stat()).size).toBe(sizeBytes)
  } finally {
    await file.close()
  }
}

describe('Links of a folder', () => {
  test('are its own two and one for each folder in it, wherever those move', async () => {
    const dir = await newFolder()
    const links = async (...names: string[]) => (await fs.stat(join(dir, ...names))).nlink
    await fs.mkdir(join(dir, 'a'))
    await fs.mkdir(join(dir, 'b'))
    await fs.writeFile(join(dir, 'file'), 'x')
    expect(await links()).toBe(4)
    await fs.rename(join(dir, 'b'), join(dir, 'a/b'))
    expect([await links(), await links('a'), await links('a/b')]).toEqual([3, 3, 2])
    await fs.rmdir(join(dir, 'a/b'))
    expect([await links(), await links('a')]).toEqual([3, 2])
  })
})

describe('Rights', () => {
  test('of other users are what mode and owner say', async () => {
    const dir = await newFolder()
    await fs.writeFile(join(dir, 'mine'), 'x', { mode: 0o600 })
    await fs.writeFile(join(dir, 'open'), 'open to all', { mode: 0o644 })
    expect(await asUser(`cat ${dir}/open`)).toBe('open to all')
    expect(await asUser(`cat ${dir}/mine`)).toMatch(/Permission denied/)
    expect(await asUser(`touch ${dir}/new`)).toMatch(/Permission denied/)
    expect(await asUser(`chmod 777 ${dir}/open`)).toMatch(/not permitted/)
    expect((await fs.stat(join(dir, 'open'))).mode & 0o777).toBe(0o644)
  })

  test('in a sticky folder each removes and renames what is theirs alone', async () => {
    const dir = await newFolder(0o1777)
    await fs.writeFile(join(dir, 'mine'), 'x')
    expect(await asUser(`echo x > ${dir}/theirs; stat -c %u ${dir}/theirs`)).toBe(`${user.uid}\n`)
    expect(await asUser(`rm -f ${dir}/mine`)).toMatch(/not permitted/)
    expect(await asUser(`mv ${dir}/mine ${dir}/other`)).toMatch(/not permitted/)
    expect(await asUser(`mv -f ${dir}/theirs ${dir}/mine`)).toMatch(/not permitted/)
    expect(await asUser(`mv ${dir}/theirs ${dir}/moved; rm ${dir}/moved`)).toBe('')
    expect(await fs.readdir(dir)).toEqual(['mine'])
  })

  test('a folder with the set-gid bit gives its group to everything in it', async () => {
    const dir = await newFolder()
    await fs.chown(dir, 0, user.gid)
    await fs.chmod(dir, 0o2777)
    await fs.mkdir(join(dir, 'inner'))
    await fs.writeFile(join(dir, 'inner/file'), 'x')
    const inner = await fs.stat(join(dir, 'inner'))
    expect([inner.gid, inner.mode & 0o2000]).toEqual([user.gid, 0o2000])
    expect((await fs.stat(join(dir, 'inner/file'))).gid).toBe(user.gid)
  })

  test('set-uid and set-gid go when somebody else writes, or the owner changes', async () => {
    const dir = await newFolder(0o777)
    const path = join(dir, 'program')
    await fs.writeFile(path, 'x')
    await fs.chmod(path, 0o6777)
    expect(await asUser(`echo more >> ${path}`)).toBe('')
    expect((await fs.stat(path)).mode & 0o7777).toBe(0o777)
    await fs.chmod(path, 0o6755)
    await fs.chown(path, user.uid, user.gid)
    expect((await fs.stat(path)).mode & 0o7777).toBe(0o755)
  })
})

describe('Times', () => {
  test('a failed operation changes none; mode and owner change ctime alone', async () => {
    const dir = await newFolder()
    const path = join(dir, 'f')
    await fs.writeFile(path, 'x')
    const before = await fs.stat(path, { bigint: true })
    expect(await asUser(`chmod 777 ${path}`)).toMatch(/not permitted/)
    expect(await fs.stat(path, { bigint: true })).toEqual(before)
    await fs.chmod(path, 0o600)
    const after = await fs.stat(path, { bigint: true })
    expect(after.ctimeNs > before.ctimeNs).toBe(true)
    expect(after.mtimeNs).toBe(before.mtimeNs)
  })

  test('what is made, renamed and removed in a folder changes its mtime and ctime', async () => {
    const dir = await newFolder()
    const stamps: bigint[] = []
    const note = async () => {
      const { mtimeNs, ctimeNs } = await fs.stat(dir, { bigint: true })
      expect(ctimeNs >= mtimeNs).toBe(true)
      stamps.push(mtimeNs)
    }
    await note()
    await fs.writeFile(join(dir, 'f'), 'x')
    await note()
    await fs.rename(join(dir, 'f'), join(dir, 'g'))
    await note()
    await fs.unlink(join(dir, 'g'))
    await note()
    expect(new Set(stamps).size).toBe(4)
    expect([...stamps].sort()).toEqual(stamps)
  })
})
