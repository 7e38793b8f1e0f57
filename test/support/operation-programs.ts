/**
 * Programs that people use, each as a script that says what it saw: on a mounted folder the same as
 * on an ordinary one.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { look, type Script } from './operation-look.ts'

const run = promisify(execFile)
const SQLITE = resolve(import.meta.dirname, '../../node_modules/@photostructure/sqlite')

const PROGRAMS: Record<string, Script> = {
  async 'vim saves a file'(dir) {
    const path = join(dir, 'notes.txt')
    await fs.writeFile(path, 'first line\n')
    const edit = ['-u', 'NONE', '-es', '-c', '%s/first/edited/', '-c', 'wq', path]
    await run('vim', edit, { timeout: 20_000 })
    return look(dir)
  },

  async 'git makes a repository, commits and checks itself'(dir) {
    const git = async (...args: string[]) => (await run('git', ['-C', dir, ...args])).stdout
    await git('init', '-q')
    for (let index = 0; index < 20; index++) await fs.writeFile(join(dir, `${index}`), `${index}`)
    await git('add', '.')
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@b.invalid']
    await git(...author, 'commit', '-q', '-m', 'all')
    await fs.writeFile(join(dir, '3'), 'changed')
    return [await git('status', '--short'), await git('fsck', '--strict'), await git('ls-files')]
  },

  async 'sqlite keeps a database, with a journal and with shared memory'(dir) {
    const script = `
      const { DatabaseSync } = await import(${JSON.stringify(`${SQLITE}/dist/index.mjs`)})
      for (const mode of ['delete', 'wal']) {
        const path = ${JSON.stringify(dir)} + '/' + mode + '.db'
        const first = new DatabaseSync(path), second = new DatabaseSync(path)
        first.exec('pragma journal_mode = ' + mode + '; pragma mmap_size = 1000000')
        first.exec('create table t (x)')
        for (let i = 0; i < 50; i++) first.prepare('insert into t values (?)').run('row ' + i)
        console.log(second.prepare('select count(*) as n from t').get().n)
        console.log(first.prepare('pragma integrity_check').get().integrity_check)
        console.log(first.prepare('pragma journal_mode').get().journal_mode)
        second.close()
        first.close()
      }`
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await run(process.execPath, args, { timeout: 60_000 })
    return [stdout, (await fs.readdir(dir)).sort()]
  },

  async 'tar packs and unpacks'(dir) {
    await fs.mkdir(join(dir, 'in/deep'), { recursive: true })
    await fs.writeFile(join(dir, 'in/deep/a b'), 'content')
    await fs.utimes(join(dir, 'in/deep/a b'), 1_000_000, 1_000_000)
    await fs.mkdir(join(dir, 'out'))
    await run('tar', ['-C', dir, '-czf', join(dir, 'all.tar.gz'), 'in'])
    await run('tar', ['-C', join(dir, 'out'), '-xzf', join(dir, 'all.tar.gz')])
    const { mtimeMs } = await fs.stat(join(dir, 'out/in/deep/a b'))
    await fs.unlink(join(dir, 'all.tar.gz'))
    return [mtimeMs, await look(dir)]
  },

  async 'cp -a, mv and rm -r'(dir) {
    const script = `cd "$0"; mkdir -p a/b; echo 1 > a/b/1; echo 2 > a/2; cp -a a c; mv c/b c/moved
      mv a/2 c/moved/; rm -r a; dd if=/dev/zero of=zeros bs=1k count=300 2>/dev/null
      dd if=/dev/zero of=zeros bs=1k count=1 seek=400 conv=notrunc 2>/dev/null; ls -R`
    const { stdout } = await run('sh', ['-ec', script, dir])
    return [stdout.split('\n').slice(1), await look(dir)]
  },
}

export const PROGRAM_SCRIPTS: ReadonlyArray<readonly [string, Script]> = Object.entries(PROGRAMS)
