/**
 * What is done inside a mounted folder, one call after another, as simple programs do it.
 *
 * Runs in: a process of its own (worker.ts forks it), which may be stuck in the mount and be
 * killed there while the benchmark goes on.
 */
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Timed, WorkAnswer, WorkRequest } from './work.ts'

const CHUNK_BYTES = 1024 * 1024

const since = (start: number): number => performance.now() - start

function writeWhole(path: string, sizeBytes: number): void {
  const chunk = randomFillSync(Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes)))
  const file = openSync(path, 'w')
  try {
    for (let done = 0; done < sizeBytes; ) {
      done += writeSync(file, chunk, 0, Math.min(chunk.length, sizeBytes - done))
    }
  } finally {
    closeSync(file)
  }
}

/** @returns when the first byte came, by the clock */
function readWhole(path: string, sizeBytes: number): number {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const file = openSync(path, 'r')
  try {
    let total = readSync(file, chunk)
    const firstAt = performance.now()
    for (let read = total; read > 0; total += read) read = readSync(file, chunk)
    if (total !== sizeBytes) throw new Error(`${path} has ${total} bytes, not ${sizeBytes}`)
    return firstAt
  } finally {
    closeSync(file)
  }
}

function runProgram(program: string, args: readonly string[], linesMin = 0): void {
  const { status, stdout, stderr } = spawnSync(program, [...args], {
    maxBuffer: 256 * 1024 * 1024,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  })
  if (status !== 0) throw new Error(`${program}: ${stderr.toString().slice(0, 300)}`)
  const lines = stdout.toString().split('\n').length - 1
  if (lines < linesMin) throw new Error(`${program} printed ${lines} lines, not ${linesMin}`)
}

/** Numerical Recipes' generator: the same places are read in every run. */
function* places(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state
  }
}

function readRandomly(request: WorkRequest<'randomReads'>): void {
  const { path, count, readBytes, sizeBytes } = request
  const chunk = Buffer.alloc(readBytes)
  const file = openSync(path, 'r')
  const random = places(7)
  try {
    for (let done = 0; done < count; done++) {
      const block = (random.next().value ?? 0) % Math.floor(sizeBytes / readBytes)
      if (readSync(file, chunk, 0, readBytes, block * readBytes) !== readBytes) {
        throw new Error(`${path} is short at ${block * readBytes}`)
      }
    }
  } finally {
    closeSync(file)
  }
}

function append(path: string, times: number, chunk: Buffer): void {
  for (let done = 0; done < times; done++) {
    const file = openSync(path, 'a')
    try {
      writeSync(file, chunk)
    } finally {
      closeSync(file)
    }
  }
}

function firstName(dir: string): number {
  const entries = opendirSync(dir)
  try {
    if (!entries.readSync()) throw new Error(`${dir} is empty`)
    return performance.now()
  } finally {
    entries.closeSync()
  }
}

function askKnown(request: WorkRequest<'known'>): Readonly<Record<string, readonly number[]>> {
  const { dir, names, sizeBytes, rounds, pauseMs } = request
  const eachMs: Record<string, number[]> = { stat: [], list: [], read: [], statfs: [] }
  const timed = (kind: string, ask: () => void) => {
    const start = performance.now()
    ask()
    eachMs[kind]?.push(since(start))
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      timed('stat', () => statSync(join(dir, name)))
      timed('read', () => readWhole(join(dir, name), sizeBytes))
    }
    timed('list', () => readdirSync(dir))
    timed('statfs', () => statfsSync(dir))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
  }
  return eachMs
}

function work(request: WorkRequest): Timed {
  const start = performance.now()
  switch (request.op) {
    case 'write':
      writeWhole(request.path, request.sizeBytes)
      return { ms: since(start) }
    case 'read': {
      const firstAt = readWhole(request.path, request.sizeBytes)
      return { ms: since(start), firstMs: firstAt - start }
    }
    case 'writeMany':
      for (const name of request.names) writeWhole(join(request.dir, name), request.sizeBytes)
      return { ms: since(start) }
    case 'readMany':
      for (const name of request.names) readWhole(join(request.dir, name), request.sizeBytes)
      return { ms: since(start) }
    case 'randomReads':
      readRandomly(request)
      return { ms: since(start) }
    case 'append':
      append(request.path, request.times, randomFillSync(Buffer.alloc(request.sizeBytes)))
      return { ms: since(start) }
    case 'rename':
      renameSync(request.from, request.to)
      return { ms: since(start) }
    case 'makeFolder':
      mkdirSync(request.path)
      return { ms: since(start) }
    case 'firstName':
      return { ms: firstName(request.dir) - start }
    case 'known': {
      const eachMs = askKnown(request)
      return { ms: since(start), eachMs }
    }
    case 'program':
      runProgram(request.program, request.args, request.linesMin)
      return { ms: since(start) }
  }
}

function tell(answer: WorkAnswer): void {
  process.send?.(answer)
}

process.on('message', (request: WorkRequest) => {
  try {
    tell({ timed: work(request) })
  } catch (thrown) {
    tell({ failure: String(thrown) })
  }
})
process.on('disconnect', () => process.exit(0))
