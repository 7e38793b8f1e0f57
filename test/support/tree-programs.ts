/**
 * Programs that work with whole trees, each as a script that checks what it did by the program's
 * own means. Afterwards the test compares folder and bucket.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { temporaryFolder } from './folder.ts'
import type { PailHome } from './pail-mount.ts'
import type { PlainS3 } from './s3-client.ts'
import { Dice, hashesBelow, hashesOf, pathsBelow } from './tree.ts'

export type TreeProgram = (dir: string, sizes: ProgramSizes) => Promise<void>

const run = promisify(execFile)
const SQLITE = resolve(
  import.meta.dirname,
  '../../node_modules/@photostructure/sqlite/dist/index.mjs',
)
const LIMIT_MS = 280_000
const TYPING_MS_MAX = 60_000
/** How much each program has to do. */
export type ProgramSizes = { readonly files: number; readonly transactions: number }

/** A tree on the ordinary disk. */
async function makeTree(files: number): Promise<string> {
  const dir = temporaryFolder()
  const dice = new Dice(files)
  for (let index = 0; index < files; index++) {
    const folder = join(dir, `folder ${index % 12}`, `${index % 5}`)
    await fs.mkdir(folder, { recursive: true })
    await fs.writeFile(join(folder, `file ${index}.txt`), dice.bytes(dice.below(9_000)))
  }
  return dir
}

async function expectSame(first: string, second: string): Promise<void> {
  await run('diff', ['-r', first, second])
}

/** The folder as any other client sees it: file for file, and nothing besides. */
export async function expectInBucket(
  { mount, s3, bucket }: { mount: PailHome; s3: PlainS3; bucket: string },
  folder: string,
): Promise<void> {
  await mount.flush()
  const dir = mount.path(folder)
  const { files } = await pathsBelow(dir)
  const inBucket = await hashesOf(files, (file) => s3.sha256Of(bucket, `${folder}/${file}`))
  expect(inBucket).toEqual(await hashesBelow(dir))
  const keys = (await s3.list(bucket, `${folder}/`)).map(({ key }) => key)
  const objects = keys.filter((key) => !key.endsWith('/'))
  expect(objects.sort()).toEqual(files.map((file) => `${folder}/${file}`).sort())
  expect(await s3.openUploads(bucket)).toEqual([])
}

/**
 * Two processes that both count in one database; each transaction reads, then writes. The database
 * is made before: two that change its journal's mode at once are told "locked", on any disk.
 */
async function twoWriters(
  path: string,
  mode: 'delete' | 'wal',
  transactions: number,
): Promise<void> {
  const opened = `
    const { DatabaseSync } = await import(${JSON.stringify(SQLITE)})
    const database = new DatabaseSync(${JSON.stringify(path)}, { timeout: 120000 })`
  const made = `${opened}
    database.exec('pragma journal_mode = ${mode}; create table t (who, n)')
    database.close()`
  const script = (name: string) => `${opened}
    for (let n = 0; n < ${transactions}; n++) {
      database.exec('begin immediate')
      const { seen } = database.prepare('select count(*) as seen from t').get()
      database.prepare('insert into t values (?, ?)').run('${name}', seen)
      database.exec('commit')
    }
    database.close()`
  const evaluate = (text: string) =>
    run(process.execPath, ['--input-type=module', '--eval', text], { timeout: LIMIT_MS })
  const writer = (name: string) => evaluate(script(name))
  await evaluate(made)
  await Promise.all([writer('first'), writer('second')])
  const check = `${opened}
    console.log(database.prepare('pragma integrity_check').get().integrity_check)
    console.log(database.prepare('select count(*) as n, count(distinct n) as d from t').get())
    database.close()`
  const { stdout } = await evaluate(check)
  const rows = 2 * transactions
  expect(stdout).toContain('ok')
  expect(stdout).toContain(`n: ${rows}, d: ${rows}`)
}

const WRITE_OUT = '\u000f'
const EXIT = '\u0018'

/** Types keys at a terminal, each once the screen shows what they wait for. */
async function typeInto(
  command: string,
  dialogue: ReadonlyArray<{ readonly shown: string; readonly keys: string }>,
): Promise<void> {
  const env = { ...process.env, TERM: 'xterm', HOME: temporaryFolder() }
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { env, timeout: TYPING_MS_MAX })
  const left = [...dialogue]
  let screen = ''
  terminal.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString()
    const [next] = left
    if (!next || !screen.includes(next.shown)) return
    left.shift()
    screen = ''
    terminal.stdin.write(next.keys)
  })
  const [code] = await once(terminal, 'exit')
  expect([code, left], `${command} showed ${screen}`).toEqual([0, []])
}

const PROGRAMS: Readonly<Record<string, TreeProgram>> = {
  async 'git commits many files, packs them and checks itself'(dir, { files }) {
    const git = async (...args: string[]) =>
      (await run('git', ['-C', dir, ...args], { timeout: LIMIT_MS })).stdout
    await git('init', '-q')
    await git('config', 'user.name', 'a')
    await git('config', 'user.email', 'a@b.invalid')
    await fs.cp(await makeTree(files), dir, { recursive: true })
    await git('add', '.')
    await git('commit', '-q', '-m', 'all')
    await fs.writeFile(join(dir, 'folder 1', 'more.txt'), 'more')
    await git('add', '.')
    await git('commit', '-q', '-m', 'more')
    await git('gc', '-q')
    await git('checkout', '-q', 'HEAD~1')
    await git('checkout', '-q', '-')
    expect(await git('status', '--short')).toBe('')
    await git('fsck', '--strict', '--full')
  },

  async 'rsync brings a tree here, and only what differs the second time'(dir, { files }) {
    const source = await makeTree(files)
    await run('rsync', ['-a', `${source}/`, dir])
    await expectSame(source, dir)
    const second = await run('rsync', ['-ai', `${source}/`, dir])
    expect(second.stdout).toBe('')
    await fs.writeFile(join(source, 'folder 1', 'changed'), 'changed')
    const third = await run('rsync', ['-ai', '--delete', `${source}/`, dir])
    expect(third.stdout).toContain('folder 1/changed')
    await expectSame(source, dir)
  },

  async 'rsync writes into a file that is here'(dir) {
    const source = temporaryFolder()
    const bytes = Buffer.from(new Dice(9).bytes(3_000_000))
    await fs.writeFile(join(source, 'image'), bytes)
    await run('rsync', ['-a', '--inplace', `${source}/`, dir])
    bytes.write('changed in the middle', 1_500_000)
    await fs.writeFile(join(source, 'image'), bytes)
    // Its size and the second of its time may be the same as before.
    const byContent = ['--inplace', '--no-whole-file', '--ignore-times']
    await run('rsync', ['-a', ...byContent, `${source}/`, dir])
    await expectSame(source, dir)
  },

  async 'zip and unzip, tar with each of its compressions'(dir, { files }) {
    const source = await makeTree(files / 3)
    const zip = join(temporaryFolder(), 'all.zip')
    await run('zip', ['-qr', zip, '.'], { cwd: source })
    await run('unzip', ['-q', zip, '-d', join(dir, 'unzipped')])
    await expectSame(source, join(dir, 'unzipped'))
    await run('zip', ['-qr', join(dir, 'made here.zip'), '.'], { cwd: source })
    await run('unzip', ['-tq', join(dir, 'made here.zip')])
    for (const option of ['-z', '-J']) {
      const archive = join(dir, `all${option}.tar`)
      await run('tar', ['-C', source, option, '-cf', archive, '.'])
      const out = join(dir, `untarred${option}`)
      await fs.mkdir(out)
      await run('tar', ['-C', out, '-xf', archive])
      await expectSame(source, out)
    }
  },

  async 'sqlite with a journal, two processes writing'(dir, { transactions }) {
    await twoWriters(join(dir, 'journal.db'), 'delete', transactions)
    expect(await fs.readdir(dir)).toEqual(['journal.db'])
  },

  async 'sqlite with a write-ahead log, two processes writing'(dir, { transactions }) {
    await twoWriters(join(dir, 'wal.db'), 'wal', transactions)
    expect(await fs.readdir(dir)).toEqual(['wal.db'])
  },

  async 'npm installs a package'(dir) {
    const source = temporaryFolder()
    await fs.mkdir(join(source, 'js'))
    const manifest = { name: 'local-js', version: '1.0.0', main: 'index.js' }
    await fs.writeFile(join(source, 'js/package.json'), JSON.stringify(manifest))
    await fs.writeFile(join(source, 'js/index.js'), 'module.exports = 42')
    await run('npm', ['pack', '--silent', '--pack-destination', source], {
      cwd: join(source, 'js'),
    })
    const install = ['install', '--silent', '--offline', '--no-audit', '--prefix', dir]
    await run('npm', [...install, join(source, 'local-js-1.0.0.tgz')], { cwd: source })
    const { stdout } = await run('node', ['-p', 'require("local-js")'], { cwd: dir })
    expect(stdout.trim()).toBe('42')
  },

  async 'nano saves a file'(dir) {
    const path = join(dir, 'notes.txt')
    await fs.writeFile(path, 'text\n')
    // The title has no room for the program's name beside a long path.
    await typeInto(`cd '${dir}' && nano -I notes.txt`, [
      { shown: 'GNU nano', keys: 'by nano ' },
      { shown: 'Modified', keys: WRITE_OUT },
      { shown: 'to Write', keys: '\r' },
      { shown: 'Wrote', keys: EXIT },
    ])
    expect(await fs.readFile(path, 'utf8')).toBe('by nano text\n')
    expect(await fs.readdir(dir)).toEqual(['notes.txt'])
  },

  async 'a program follows a file that another one appends to'(dir) {
    const path = join(dir, 'log')
    await fs.writeFile(path, '')
    const tail = spawn('tail', ['-n', '+1', '-f', path], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const seen = new Promise<string>((settle) => {
        let text = ''
        tail.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (text.includes('line 20\n')) settle(text)
        })
      })
      for (let line = 1; line <= 20; line++) await fs.appendFile(path, `line ${line}\n`)
      expect(await seen).toBe(await fs.readFile(path, 'utf8'))
    } finally {
      tail.kill('SIGKILL')
    }
  },
}

export const TREE_PROGRAMS: ReadonlyArray<readonly [string, TreeProgram]> = Object.entries(PROGRAMS)
