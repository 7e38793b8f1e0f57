import { describe, expect, test } from 'vitest'
import { formatSteps, parseCalls, parseSteps, TraceReducer } from '../../support/strace.ts'

const FOLDER = '/home/me/docs'

/** @param traces by process: lines without their times, which count up through all of them */
function reduce(traces: ReadonlyArray<readonly [pid: number, line: string]>): string[] {
  const calls = traces.flatMap(([pid, line], nth) => parseCalls(pid, `${1000 + nth}.5 ${line}`))
  return formatSteps(new TraceReducer(FOLDER).reduce(calls)).trim().split('\n')
}

const of = (...lines: string[]) => lines.map((line) => [1, line] as const)
const at = `AT_FDCWD<${FOLDER}>`
const fd = (number: number, name: string) => `${number}<${FOLDER}/${name}>`

describe('A recording by strace', () => {
  test('becomes what happened in the folder: places of reads and writes, and names', () => {
    const steps = reduce(
      of(
        `openat(${at}, "a b", O_RDWR|O_CREAT|O_CLOEXEC, 0100644) = 3<${FOLDER}/a b>`,
        `write(${fd(3, 'a b')}, ""..., 10) = 10`,
        `lseek(${fd(3, 'a b')}, 4, SEEK_SET) = 4`,
        `read(${fd(3, 'a b')}, ""..., 100) = 6`,
        `read(${fd(3, 'a b')}, "", 100) = 0`,
        `pwrite64(${fd(3, 'a b')}, ""..., 5, 100) = 5`,
        `ftruncate(${fd(3, 'a b')}, 50) = 0`,
        `fsync(${fd(3, 'a b')}) = 0`,
        `fchmod(${fd(3, 'a b')}, 0100600) = 0`,
        `close(${fd(3, 'a b')}) = 0`,
        'rename("a b", "/home/me/docs/c") = 0',
        `unlinkat(${at}, "d", AT_REMOVEDIR) = 0`,
      ),
    )
    expect(steps).toEqual([
      'open 1 a%20b O_RDWR|O_CREAT 0644',
      'write 1 0 10',
      'read 1 4 6',
      'write 1 100 5',
      'size 1 50',
      'sync 1',
      'mode 1 0600',
      'close 1',
      'rename a%20b c',
      'rmdir d',
    ])
    expect(parseSteps(`# of a program\n${steps.join('\n')}\n`)[0]).toEqual([
      'open',
      '1',
      'a b',
      'O_RDWR|O_CREAT',
      '0644',
    ])
  })

  test('says nothing of other folders, of what failed, and of what only asks', () => {
    const steps = reduce(
      of(
        `openat(${at}, "/etc/passwd", O_RDONLY) = 3</etc/passwd>`,
        'read(3</etc/passwd>, ""..., 100) = 100',
        `openat(${at}, "none", O_RDONLY) = -1 ENOENT (No such file or directory)`,
        `newfstatat(${at}, "f", {st_mode=S_IFREG|0644, st_size=1, ...}, 0) = 0`,
        'unlink("/home/me/documents/x") = 0',
        `symlinkat("to, \\"there\\"", ${at}, "l") = 0`,
      ),
    )
    expect(steps).toEqual(['symlink l to,%20\\"there\\"'])
  })

  test('knows which descriptors are one open file: duplicated, inherited, of a thread', () => {
    const file = fd(3, 'f')
    const steps = reduce([
      [1, `openat(${at}, "f", O_WRONLY|O_CREAT|O_APPEND, 0666) = ${file}`],
      [1, 'clone(child_stack=NULL, flags=SIGCHLD) = 2'],
      [1, 'clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 3'],
      [2, `write(${file}, ""..., 7) = 7`],
      [2, 'exit_group(0) = ?'],
      [3, `dup(${file}) = ${fd(4, 'f')}`],
      [3, `close(${file}) = 0`],
      [1, `close(${fd(4, 'f')}) = 0`],
    ])
    expect(steps).toEqual([
      'open 1 f O_WRONLY|O_CREAT|O_APPEND 0666',
      'append 1 7',
      'flush 1',
      'flush 1',
      'close 1',
    ])
  })

  test('is refused when it holds a change that cannot be replayed', () => {
    const open = `openat(${at}, "f", O_RDWR) = ${fd(3, 'f')}`
    expect(() => reduce(of(open, `fallocate(${fd(3, 'f')}, 0, 0, 10) = 0`))).toThrow(/fallocate/)
  })
})
