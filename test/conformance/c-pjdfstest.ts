/**
 * The pjdfstest in C and shell (github.com/pjd/pjdfstest), with which other file systems say how far
 * they get: compiled from a checkout that the user names, run file by file, counted by assertion.
 */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Most files sleep a second here and there, because they look at times. */
const FILES_AT_ONCE = 12
const FILE_MS_MAX = 10 * 60 * 1000
const OUTPUT_BYTES_MAX = 64 << 20

/** What its configure script finds on Linux with glibc. */
const FOUND_ON_LINUX = [
  'SYS_SYSMACROS_H',
  'FACCESSAT',
  'FCHMODAT',
  'FCHOWNAT',
  'FSTATAT',
  'LINKAT',
  'MKDIRAT',
  'MKFIFOAT',
  'MKNODAT',
  'OPENAT',
  'POSIX_FALLOCATE',
  'READLINKAT',
  'RENAMEAT',
  'SYMLINKAT',
  'UTIMENSAT',
  'STRUCT_STAT_ST_ATIM',
  'STRUCT_STAT_ST_CTIM',
  'STRUCT_STAT_ST_MTIM',
]

/** @param folder gets the program and the test files */
export async function buildPjdfstest(checkout: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await cp(join(checkout, 'tests'), join(folder, 'tests'), { recursive: true })
  const lines = ['#define _GNU_SOURCE 1', ...FOUND_ON_LINUX.map((name) => `#define HAVE_${name} 1`)]
  await writeFile(join(folder, 'config.h'), `${lines.join('\n')}\n`)
  const source = join(checkout, 'pjdfstest.c')
  await run('gcc', ['-O1', `-I${folder}`, '-o', join(folder, 'pjdfstest'), source])
}

/** The text of each test file, by `category/NN.t`. */
export type TestFiles = ReadonlyMap<string, string>

export async function readTestFiles(folder: string): Promise<TestFiles> {
  const files = new Map<string, string>()
  const tests = join(folder, 'tests')
  for (const path of (await readdir(tests, { recursive: true })).sort()) {
    if (path.endsWith('.t')) files.set(path, await readFile(join(tests, path), 'utf8'))
  }
  return files
}

/** Categories about what no bucket holds, or what Linux does not have. */
const OTHER_CATEGORIES = /^(link|mkfifo|mknod|chflags|granular|posix_fallocate)\//
/** An assertion of its own, outside of a loop, that makes something that no bucket holds. */
const MAKES_SPECIAL = /expect .*\b(link|mkfifo|mknod|bind) /
/** Makes a path of 4,095 bytes. */
const LONG_PATHS = /\bdirgen_max\b/
const SPECIAL_TYPES = /\b(fifo|block|char|socket)\b/g
const TYPE_LOOP = /^\s*for \w+ in .*\b(regular|fifo)\b.*$/gm
const OTHER_USER = /-u /

/** What object storage can hold: each assertion about files, directories, links, rights and times. */
export function isOfObjectStores([path, text]: readonly [string, string]): boolean {
  const isElsewhere = OTHER_CATEGORIES.test(path) || LONG_PATHS.test(text)
  return !isElsewhere && !MAKES_SPECIAL.test(text)
}

/** Of those, the ones in which nobody becomes another user. */
export function isOfOneUser([path, text]: readonly [string, string]): boolean {
  return isOfObjectStores([path, text]) && !OTHER_USER.test(text)
}

/** Loops over kinds of files go over files, directories and symbolic links alone. */
export function withoutSpecialTypes(text: string): string {
  return text.replaceAll(TYPE_LOOP, (line) => line.replaceAll(SPECIAL_TYPES, ''))
}

type FileResult = {
  readonly passed: number
  /** Each as the suite tells it. */
  readonly failed: readonly string[]
}
export type PjdReport = ReadonlyMap<string, FileResult>

/** Lines of the Test Anything Protocol. What a file itself calls unfinished is no failure. */
export function parseTap(output: string): FileResult {
  const lines = output.split('\n')
  const passed = lines.filter((line) => /^ok \d+/.test(line)).length
  const failed = lines.filter((line) => /^not ok\b/.test(line) && !line.includes('# TODO'))
  return { passed, failed }
}

type PjdRun = {
  /** Where `buildPjdfstest` has put it. */
  readonly folder: string
  readonly paths: Iterable<string>
  /** On the file system that is tested. */
  readonly dir: string
}

/** Each file in a folder of its own, some side by side. */
export async function runPjdfstest({ folder, paths, dir }: PjdRun): Promise<PjdReport> {
  const report = new Map<string, FileResult>()
  const waiting = [...paths]
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      report.set(path, await runFile(join(folder, 'tests', path), dir))
    }
  }
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, work))
  return report
}

async function runFile(script: string, dir: string): Promise<FileResult> {
  const cwd = await mkdtemp(join(dir, 'pjdfstest-'))
  try {
    await chmod(cwd, 0o755)
    const options = { cwd, timeout: FILE_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX }
    return parseTap((await run('sh', [script], options)).stdout)
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

type Totals = { readonly passed: number; readonly failed: number }

export function totalsOf(report: PjdReport): Totals {
  const results = [...report.values()]
  const sum = (count: (result: FileResult) => number) =>
    results.reduce((total, result) => total + count(result), 0)
  return { passed: sum(({ passed }) => passed), failed: sum(({ failed }) => failed.length) }
}
