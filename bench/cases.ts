/**
 * What is measured: each case prepares a bucket, works in a mount of it, and says what it timed.
 *
 * Keeps: cases that only read share one bucket; those that change it get a new one each time.
 */
import { join } from 'node:path'
import type { Expected, Objects } from './lab.ts'
import type { Timed, WorkRequest } from './work.ts'

export type Sizes = {
  readonly largeBytes: number
  readonly smallFiles: number
  readonly listed: number
  readonly folders: number
  readonly readFiles: number
  readonly randomReads: number
  readonly deleted: number
  readonly renamed: number
  readonly appendedBytes: number
}

const MIB = 1024 * 1024

export const FULL_SIZES: Sizes = {
  largeBytes: 256 * MIB,
  smallFiles: 1000,
  listed: 10_000,
  folders: 200,
  readFiles: 300,
  randomReads: 100,
  deleted: 1000,
  renamed: 500,
  appendedBytes: 64 * MIB,
}

/** To see that everything runs; the numbers mean little. */
export const QUICK_SIZES: Sizes = {
  largeBytes: 16 * MIB,
  smallFiles: 50,
  listed: 300,
  folders: 10,
  readFiles: 30,
  randomReads: 20,
  deleted: 50,
  renamed: 30,
  appendedBytes: 16 * MIB,
}

/** Milliseconds by metric. */
export type Times = Record<string, number>

/** One mount of one tool, while a case runs in it. */
export type Stage = {
  readonly dir: string
  /** Files in it as the case left them are looked for in the bucket itself. */
  readonly sizes: Sizes
  readonly times: Times
  do(request: WorkRequest): Promise<Timed>
  /** @returns milliseconds from `start`, by `performance.now()`, until the bucket is like this */
  untilStored(folder: string, wanted: Expected, start: number): Promise<number>
}

export type Metric = {
  readonly id: string
  readonly title: string
  /** Begins when an earlier metric ended: of a case that was stopped before, it says nothing. */
  readonly isAfterwards?: boolean
}

export type Case = {
  readonly id: string
  readonly title: (sizes: Sizes) => string
  readonly metrics: readonly Metric[]
  /** Objects of the shared bucket, for a case that only reads. */
  readonly shared?: (sizes: Sizes) => Objects
  /** Objects of a bucket made for the case, because it changes them. */
  readonly objects?: (sizes: Sizes) => Objects
  /** Bytes that a program asks for, where what is fetched is compared with it. */
  readonly askedBytes?: (sizes: Sizes) => number
  readonly run: (stage: Stage) => Promise<void>
}

const FILE_BYTES = 1000
const SMALL_READ_BYTES = 20_000
const FOLDER_FILES = 20
const RANDOM_READ_BYTES = 64 * 1024
const APPENDS = 20
const LISTED_BYTES = 100

const numbered = (count: number, name: (number: string) => string): string[] =>
  Array.from({ length: count }, (_, index) => name(String(index).padStart(5, '0')))

const count = (value: number): string => value.toLocaleString('en-US')
const size = (bytes: number): string => `${bytes / MIB} MiB`

const listedNames = (sizes: Sizes) => numbered(sizes.listed, (n) => `list/file-${n}`)
const readNames = (sizes: Sizes) => numbered(sizes.readFiles, (n) => `file-${n}.dat`)
const treeNames = (sizes: Sizes) =>
  numbered(sizes.folders, (n) => n).flatMap((folder) =>
    numbered(FOLDER_FILES, (n) => `tree/folder-${folder}/file-${n}`),
  )

const largeObject = (sizes: Sizes): Objects => ({
  names: ['large.dat'],
  sizeBytes: sizes.largeBytes,
})

const writeCase: Case = {
  id: 'write',
  title: (sizes) => `write one file of ${size(sizes.largeBytes)}`,
  metrics: [
    { id: 'closed', title: 'until closed' },
    { id: 'stored', title: 'until in the bucket' },
  ],
  objects: () => ({ names: [], sizeBytes: 0 }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const start = performance.now()
    const sizeBytes = sizes.largeBytes
    times.closed = (await stage.do({ op: 'write', path: join(dir, 'new.dat'), sizeBytes })).ms
    times.stored = await stage.untilStored('', { count: 1, sizeBytes }, start)
  },
}

const readCase: Case = {
  id: 'read',
  title: (sizes) => `read one file of ${size(sizes.largeBytes)}`,
  metrics: [
    { id: 'firstByte', title: 'first byte' },
    { id: 'first', title: 'first time' },
    { id: 'again', title: 'again', isAfterwards: true },
  ],
  shared: largeObject,
  askedBytes: (sizes) => 2 * sizes.largeBytes,
  run: async ({ dir, sizes, times, ...stage }) => {
    const request = {
      op: 'read',
      path: join(dir, 'large.dat'),
      sizeBytes: sizes.largeBytes,
    } as const
    const first = await stage.do(request)
    times.firstByte = first.firstMs ?? first.ms
    times.first = first.ms
    times.again = (await stage.do(request)).ms
  },
}

const createCase: Case = {
  id: 'create',
  title: (sizes) => `create ${count(sizes.smallFiles)} files of 1 kB`,
  metrics: writeCase.metrics,
  objects: () => ({ names: [], sizeBytes: 0 }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const names = numbered(sizes.smallFiles, (n) => `file-${n}`)
    const start = performance.now()
    times.closed = (await stage.do({ op: 'writeMany', dir, names, sizeBytes: FILE_BYTES })).ms
    const wanted = { count: names.length, sizeBytes: FILE_BYTES }
    times.stored = await stage.untilStored('', wanted, start)
  },
}

const listCase: Case = {
  id: 'list',
  title: (sizes) => `\`ls -l\` of ${count(sizes.listed)} objects`,
  metrics: [
    { id: 'first', title: 'first time' },
    { id: 'again', title: 'again', isAfterwards: true },
  ],
  shared: (sizes) => ({ names: listedNames(sizes), sizeBytes: LISTED_BYTES }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const request = {
      op: 'program',
      program: 'ls',
      args: ['-l', join(dir, 'list')],
      linesMin: sizes.listed,
    } as const
    times.first = (await stage.do(request)).ms
    times.again = (await stage.do(request)).ms
  },
}

const findCase: Case = {
  id: 'find',
  title: (sizes) => `\`find\` over ${count(sizes.folders)} folders of ${FOLDER_FILES} files`,
  metrics: [{ id: 'done', title: '' }],
  shared: (sizes) => ({ names: treeNames(sizes), sizeBytes: LISTED_BYTES }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const args = [join(dir, 'tree'), '-type', 'f']
    const linesMin = sizes.folders * FOLDER_FILES
    times.done = (await stage.do({ op: 'program', program: 'find', args, linesMin })).ms
  },
}

const readManyCase: Case = {
  id: 'readMany',
  title: (sizes) => `read ${count(sizes.readFiles)} files of 20 kB in order`,
  metrics: [{ id: 'done', title: '' }],
  shared: (sizes) => ({
    names: readNames(sizes).map((name) => `small/${name}`),
    sizeBytes: SMALL_READ_BYTES,
  }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const folder = join(dir, 'small')
    // A program that reads a folder's files in order has looked into the folder.
    const { ms } = await stage.do({ op: 'program', program: 'ls', args: [folder] })
    const names = readNames(sizes)
    const request = { op: 'readMany', dir: folder, names, sizeBytes: SMALL_READ_BYTES } as const
    times.done = ms + (await stage.do(request)).ms
  },
}

const randomCase: Case = {
  id: 'random',
  title: (sizes) =>
    `${sizes.randomReads} random reads of 64 KiB in a file of ${size(sizes.largeBytes)}`,
  metrics: [{ id: 'done', title: '' }],
  shared: largeObject,
  askedBytes: (sizes) => sizes.randomReads * RANDOM_READ_BYTES,
  run: async ({ dir, sizes, times, ...stage }) => {
    const reads = {
      count: sizes.randomReads,
      readBytes: RANDOM_READ_BYTES,
      sizeBytes: sizes.largeBytes,
    }
    times.done = (await stage.do({ op: 'randomReads', path: join(dir, 'large.dat'), ...reads })).ms
  },
}

const appendCase: Case = {
  id: 'append',
  title: (sizes) => `append ${APPENDS} x 1 kB to a file of ${size(sizes.appendedBytes)}`,
  metrics: writeCase.metrics,
  objects: (sizes) => ({ names: ['log.dat'], sizeBytes: sizes.appendedBytes }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const path = join(dir, 'log.dat')
    const start = performance.now()
    const request = { op: 'append', path, times: APPENDS, sizeBytes: FILE_BYTES } as const
    times.closed = (await stage.do(request)).ms
    const sizeBytes = sizes.appendedBytes + APPENDS * FILE_BYTES
    times.stored = await stage.untilStored('', { count: 1, sizeBytes }, start)
  },
}

const deleteCase: Case = {
  id: 'delete',
  title: (sizes) => `\`rm -r\` of a folder of ${count(sizes.deleted)} files`,
  metrics: [
    { id: 'done', title: 'until it returns' },
    { id: 'stored', title: 'until gone from the bucket' },
  ],
  objects: (sizes) => ({
    names: numbered(sizes.deleted, (n) => `old/file-${n}`),
    sizeBytes: FILE_BYTES,
  }),
  run: async ({ dir, times, ...stage }) => {
    const start = performance.now()
    const args = ['-r', join(dir, 'old')]
    times.done = (await stage.do({ op: 'program', program: 'rm', args })).ms
    times.stored = await stage.untilStored('old', { count: 0, sizeBytes: 0 }, start)
  },
}

const renameCase: Case = {
  id: 'rename',
  title: (sizes) => `rename a folder of ${count(sizes.renamed)} files`,
  metrics: [
    { id: 'done', title: 'until it returns' },
    { id: 'stored', title: 'until done in the bucket' },
  ],
  objects: (sizes) => ({
    names: numbered(sizes.renamed, (n) => `before/file-${n}`),
    sizeBytes: FILE_BYTES,
  }),
  run: async ({ dir, sizes, times, ...stage }) => {
    const start = performance.now()
    const [from, to] = [join(dir, 'before'), join(dir, 'after')]
    times.done = (await stage.do({ op: 'rename', from, to })).ms
    await stage.untilStored('after', { count: sizes.renamed, sizeBytes: FILE_BYTES }, start)
    times.stored = await stage.untilStored('before', { count: 0, sizeBytes: 0 }, start)
  },
}

export const CASES: readonly Case[] = [
  writeCase,
  readCase,
  createCase,
  listCase,
  findCase,
  readManyCase,
  randomCase,
  appendCase,
  deleteCase,
  renameCase,
]
