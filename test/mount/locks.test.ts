import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { QUIET_MS } from '../../engine/sync/quiet-times.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { Flock, flock, lockRange, RecordLock } from '../support/system-calls.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const BUCKET = 'locks'
const PROGRAM = resolve(import.meta.dirname, '../support/lock-program.ts')
const TSX = import.meta.resolve('tsx')
const { READ, SET, SET_OPEN, UNLOCK, WRITE } = RecordLock

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

/** Another process that holds the lock. */
async function holder(path: string, kind: 'flock' | 'posix' | 'ofd'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', TSX, PROGRAM, path, kind], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [line] = await once(child.stdout, 'data')
  expect(String(line).trim()).toBe('held')
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

function lockedFile(name: string): { path: string; fd: number } {
  const path = mount.path(name)
  fs.writeFileSync(path, Buffer.alloc(1_000))
  const fd = fs.openSync(path, 'r+')
  onTestFinished(() => fs.closeSync(fd))
  return { path, fd }
}

describe('A lock of one process', () => {
  test('on a whole file keeps another one out, until it dies', async () => {
    const { path, fd } = lockedFile('whole')
    const child = await holder(path, 'flock')
    expect(() => flock(fd, Flock.EXCLUSIVE | Flock.NOW)).toThrow('EAGAIN')
    expect(() => flock(fd, Flock.SHARED | Flock.NOW)).toThrow('EAGAIN')
    await killed(child)
    flock(fd, Flock.EXCLUSIVE | Flock.NOW)
    flock(fd, Flock.UNLOCK)
  })

  test.each(['posix', 'ofd'] as const)(
    'on a range (%s) keeps others out of it, until it dies',
    async (kind) => {
      const { path, fd } = lockedFile(`range ${kind}`)
      const child = await holder(path, kind)
      const within = { start: 120, lengthBytes: 5 }
      for (const command of [SET, SET_OPEN]) {
        expect(() => lockRange(fd, command, { type: WRITE, ...within })).toThrow('EAGAIN')
        expect(() => lockRange(fd, command, { type: READ, ...within })).toThrow('EAGAIN')
        lockRange(fd, command, { type: WRITE, start: 150, lengthBytes: 50 })
        lockRange(fd, command, { type: UNLOCK, start: 0, lengthBytes: 0 })
      }
      await killed(child)
      lockRange(fd, SET, { type: WRITE, ...within })
    },
  )
})

describe('A file that a program keeps open for writing', () => {
  test('is uploaded when it is closed, not before', async () => {
    const fd = fs.openSync(mount.path('database'), 'w')
    fs.writeSync(fd, 'first')
    fs.fsyncSync(fd)
    await sleep(QUIET_MS.put + 1_500)
    expect(await s3.head(BUCKET, 'database')).toBeUndefined()
    fs.writeSync(fd, ', second')
    fs.closeSync(fd)
    await mount.flush()
    expect((await s3.head(BUCKET, 'database'))?.sizeBytes).toBe(13)
  })
})
