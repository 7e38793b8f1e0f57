/**
 * What programs do to files, each as a script that says what it saw: the same script on an ordinary
 * folder and on a mounted one must say the same.
 */
import { execFile } from 'node:child_process'
import { constants as flags } from 'node:fs'
import * as fs from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { digest, look, type Script } from './operation-look.ts'

const run = promisify(execFile)
const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDWR, O_TRUNC, O_WRONLY } = flags
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))
const KIB = 1024

/** What an operation gave, or the name of its error. */
async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await work()) ?? 'done'
  } catch (thrown) {
    return NAMES.get(-((thrown as NodeJS.ErrnoException).errno ?? 0)) ?? String(thrown)
  }
}

async function outcomes(...work: Array<() => Promise<unknown>>): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const one of work) seen.push(await outcome(one))
  return seen
}

async function withFile<T>(
  path: string,
  openFlags: string | number,
  work: (file: fs.FileHandle) => Promise<T>,
): Promise<T> {
  const file = await fs.open(path, openFlags)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

async function readAll(file: fs.FileHandle): Promise<string> {
  const { size } = await file.stat()
  const into = Buffer.alloc(size + 10)
  const { bytesRead } = await file.read(into, 0, into.length, 0)
  return into.toString('latin1', 0, bytesRead)
}

const FILES: Record<string, Script> = {
  async 'open flags mean what they say'(dir) {
    const at = (name: string) => join(dir, name)
    const seen = await outcomes(
      () => fs.readFile(at('absent')),
      () => fs.writeFile(at('new'), 'x', { flag: 'wx' }),
      () => fs.writeFile(at('new'), 'y', { flag: 'wx' }),
      () => withFile(at('new'), O_RDWR | O_CREAT | O_EXCL, async () => 'opened'),
      () => withFile(at('made'), O_RDWR | O_CREAT, readAll),
      () => withFile(at('new'), O_RDWR, readAll),
      () => withFile(at('new'), O_WRONLY, (file) => file.read(Buffer.alloc(1), 0, 1, 0)),
      () => withFile(at('new'), 'r', (file) => file.write('z')),
      () => withFile(at('new'), O_DIRECTORY, async () => 'opened'),
      () => withFile(at('new'), O_NOFOLLOW, async () => 'opened'),
      () => withFile(dir, O_WRONLY, async () => 'opened'),
      () => fs.writeFile(join(at('new'), 'below a file'), 'x'),
      () => fs.readFile(at('new'), 'utf8'),
      () => withFile(at('new'), O_WRONLY | O_TRUNC, async (file) => (await file.stat()).size),
      () => fs.writeFile(at('no folder/x'), 'x'),
    )
    return [seen, await look(dir)]
  },

  async 'partial overwrite keeps the rest'(dir) {
    const path = join(dir, 'f')
    await fs.writeFile(path, Buffer.alloc(3 * KIB * KIB, 'abcdefg'))
    await withFile(path, 'r+', async (file) => {
      await file.write('START', 0)
      await file.write('across a block', KIB * KIB - 5)
      await file.write('END', 3 * KIB * KIB - 1)
    })
    return look(dir)
  },

  async 'two handles that append both land'(dir) {
    const path = join(dir, 'log')
    await fs.writeFile(path, 'start\n')
    await withFile(path, 'a', (first) =>
      withFile(path, O_WRONLY | O_APPEND, async (second) => {
        for (let turn = 0; turn < 50; turn++) {
          await first.write(`first ${turn}\n`)
          await second.write(`second ${turn}\n`)
        }
      }),
    )
    await withFile(path, O_WRONLY | O_APPEND, (file) => file.write('at the end', 0))
    return look(dir)
  },

  async 'two processes that append lose no line'(dir) {
    const path = join(dir, 'log')
    const loop = (name: string) =>
      run('sh', ['-c', `for i in $(seq 200); do echo ${name} $i >> "$0"; done`, path])
    await Promise.all([loop('one'), loop('two')])
    return (await fs.readFile(path, 'utf8')).trim().split('\n').sort()
  },

  async 'truncate goes down, up, and under an open file'(dir) {
    const path = join(dir, 'f')
    await fs.writeFile(path, 'hello, world')
    const seen: unknown[] = []
    for (const size of [5, 9000, 3, 0, 1]) {
      await fs.truncate(path, size)
      seen.push([(await fs.stat(path)).size, digest(await fs.readFile(path))])
    }
    await withFile(path, 'r+', async (file) => {
      await file.write('0123456789', 0)
      await file.truncate(4)
      seen.push((await file.stat()).size, await readAll(file))
      await fs.truncate(path, 2)
      seen.push((await file.stat()).size, await readAll(file))
      await file.write('X', 6)
      seen.push(digest(await fs.readFile(path)))
    })
    seen.push(await outcome(() => fs.truncate(dir, 0)))
    return [seen, await look(dir)]
  },

  async 'a hole reads as zeros'(dir) {
    await withFile(join(dir, 'sparse'), 'w', async (file) => {
      await file.write('end', 5 * KIB * KIB)
      await file.write('middle', 2 * KIB * KIB + 17)
    })
    return look(dir)
  },

  async 'what is removed while it is open can be read and written'(dir) {
    const path = join(dir, 'f')
    await fs.writeFile(path, 'still here')
    const seen = await withFile(path, 'r+', async (file) => {
      await fs.unlink(path)
      const gone = await outcome(() => fs.stat(path))
      const before = await readAll(file)
      await file.write('STILL', 0)
      await file.truncate(7)
      await fs.writeFile(path, 'another file')
      return [gone, before, await readAll(file), (await file.stat()).nlink]
    })
    return [seen, await look(dir)]
  },

  async 'what is renamed over while it is open can be read'(dir) {
    await fs.writeFile(join(dir, 'a'), 'from a')
    await fs.writeFile(join(dir, 'b'), 'from b')
    const seen = await withFile(join(dir, 'b'), 'r+', async (file) => {
      await fs.rename(join(dir, 'a'), join(dir, 'b'))
      await file.write('XX', 0)
      return readAll(file)
    })
    return [seen, await look(dir)]
  },

  async 'a file that is renamed while it is written keeps what is written'(dir) {
    await withFile(join(dir, 'a'), 'w', async (file) => {
      await file.write('before, ')
      await fs.rename(join(dir, 'a'), join(dir, 'b'))
      await file.write('after')
    })
    return look(dir)
  },
}

const NAMES_AND_FOLDERS: Record<string, Script> = {
  async 'rename follows the rules'(dir) {
    const at = (name: string) => join(dir, name)
    for (const name of ['empty', 'full', 'd', 'e', 'target']) await fs.mkdir(at(name))
    for (const name of ['full/x', 'd/1', 'e/2', 'file', 'other']) await fs.writeFile(at(name), name)
    const seen = await outcomes(
      () => fs.rename(at('file'), at('other')),
      () => fs.rename(at('d'), at('full')),
      () => fs.rename(at('d'), at('empty')),
      () => fs.rename(at('e'), at('e/inside')),
      () => fs.rename(at('e'), at('e')),
      () => fs.rename(at('other'), at('e')),
      () => fs.rename(at('e'), at('other')),
      () => fs.rename(at('absent'), at('x')),
      () => fs.rename(at('other'), at('no/such/place')),
      () => fs.rename(at('full/x'), at('target/moved')),
      () => fs.rename(at('target'), at('full/deeper')),
      () => fs.rename(at('other'), at('other')),
    )
    return [seen, await look(dir)]
  },

  async 'folders are made and removed by the rules'(dir) {
    const at = (name: string) => join(dir, name)
    await fs.writeFile(at('file'), 'x')
    const seen = await outcomes(
      () => fs.mkdir(at('d')),
      () => fs.mkdir(at('d')),
      () => fs.mkdir(at('file')),
      () => fs.mkdir(at('a/b')),
      () => fs.mkdir(at('d/e/f'), { recursive: true }).then(() => 'made'),
      () => fs.rmdir(at('d')),
      () => fs.rmdir(at('file')),
      () => fs.unlink(at('d')),
      () => fs.rmdir(at('d/e/f')),
      () => fs.rmdir(at('d/e')),
      () => fs.rmdir(at('d')),
      () => fs.rmdir(at('d')),
      () => fs.unlink(at('absent')),
      () => fs.mkdir(at('file/below')),
    )
    return [seen, await look(dir)]
  },

  async 'a name ends at 255 bytes'(dir) {
    const at = (length: number) => join(dir, 'n'.repeat(length))
    const wide = (count: number) => join(dir, 'é'.repeat(count))
    const seen = await outcomes(
      () => fs.writeFile(at(255), 'x'),
      () => fs.writeFile(at(256), 'x'),
      () => fs.mkdir(at(256)),
      () => fs.rename(at(255), at(256)),
      () => fs.stat(at(256)),
      () => fs.writeFile(wide(127), 'x'),
      () => fs.writeFile(wide(128), 'x'),
    )
    return [seen, await look(dir)]
  },

  async 'two thousand entries are listed, each once'(dir) {
    for (let index = 0; index < 2_000; index++) await fs.writeFile(join(dir, `entry ${index}`), '')
    const names: string[] = []
    for await (const entry of await fs.opendir(dir, { bufferSize: 32 })) names.push(entry.name)
    return names.sort()
  },

  async 'a listing goes on while names come and go'(dir) {
    for (let index = 0; index < 500; index++) await fs.writeFile(join(dir, `stays ${index}`), '')
    const seen: string[] = []
    for await (const { name } of await fs.opendir(dir, { bufferSize: 8 })) {
      seen.push(name)
      if (seen.length % 10 !== 0) continue
      await fs.writeFile(join(dir, `new ${seen.length}`), '')
      await fs.unlink(join(dir, `new ${seen.length}`))
    }
    const stayed = seen.filter((name) => name.startsWith('stays'))
    return [stayed.sort(), new Set(stayed).size]
  },

  async 'access, owner, mode and times are kept'(dir) {
    const path = join(dir, 'f')
    await fs.writeFile(path, 'x')
    await fs.mkdir(join(dir, 'd'))
    await fs.chmod(path, 0o640)
    await fs.chmod(join(dir, 'd'), 0o750)
    await fs.chown(path, 1234, 4321)
    await fs.utimes(path, 1_000_000_000.5, 1_234_567_890.25)
    const { mode, uid, gid, atimeMs, mtimeMs, size } = await fs.stat(path)
    const folder = await fs.stat(join(dir, 'd'))
    const seen = await outcomes(
      () => fs.access(path, 4),
      () => fs.access(path, 2),
      () => fs.access(path, 1),
      () => fs.access(join(dir, 'absent')),
    )
    return [{ mode, uid, gid, atimeMs, mtimeMs, size }, folder.mode, seen]
  },
}

export const OPERATIONS: ReadonlyArray<readonly [string, Script]> = Object.entries({
  ...FILES,
  ...NAMES_AND_FOLDERS,
})
