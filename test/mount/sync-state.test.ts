/**
 * Goal: what Pail says of a file, by attribute, command and status, is what happened to it.
 * Method: a real mount and the real command line, while another client works in the same bucket.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { LISTING_FRESH_MS } from '../../engine/sync/listing.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startSlowLine } from '../support/slow-line.ts'
import { MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const SOON = { timeout: LISTING_FRESH_MS + 20_000, interval: 250 }

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

async function mounted(bucket: string): Promise<PailHome> {
  await s3.createBucket(bucket)
  return pailMount({ server, bucket })
}

/** As `getfattr -n` prints it; undefined: the file has no such attribute. */
async function attribute(mount: PailHome, name: string, which: string) {
  const program = `import os, sys\ntry:\n  sys.stdout.write(os.getxattr(sys.argv[1], sys.argv[2]).decode())\nexcept OSError:\n  sys.exit(3)`
  const file = mount.path(name)
  const done = await run('python3', ['-c', program, file, `user.pail.${which}`]).catch(() => null)
  return done?.stdout
}

const codeOf = async (mount: PailHome, ...args: string[]) => (await mount.pail.run(args)).code

describe('A file that was saved', () => {
  test('waits while uploads are paused, says so everywhere, and is in the bucket afterwards', async () => {
    const mount = await mounted('paused')
    expect(await codeOf(mount, 'pause')).toBe(0)
    await run('sh', ['-c', 'echo saved > "$1"', 'sh', mount.path('report.csv')])
    expect(await attribute(mount, 'report.csv', 'badge')).toBe('waiting')
    expect(await attribute(mount, 'report.csv', 'state')).toBe('Waiting to upload')
    expect(await attribute(mount, 'report.csv', 'reason')).toBe('Uploads are paused.')
    expect(await attribute(mount, '', 'state')).toBe('Waiting to upload: 1 waiting')
    const { sync } = await mount.status()
    expect(sync.verdict.kind).toBe('paused')
    expect(sync.verdict.sentence).toMatch(/^1 file, 6 bytes/)
    expect(sync.queue.entries).toMatchObject([
      {
        path: 'report.csv',
        op: 'put',
        state: 'waiting',
        program: 'sh',
        nextTry: { when: 'resumed' },
      },
    ])
    expect(await codeOf(mount, 'status')).toBe(9)
    expect(await codeOf(mount, 'status', mount.path('report.csv'))).toBe(9)
    // Held back by a person: no reason to wait for it.
    const flushed = await mount.pail.run(['flush', '--wait'])
    expect(flushed).toMatchObject({ code: 1, stderr: expect.stringContaining('pail resume') })
    await mount.unmount()
    await mount.mount()
    expect((await mount.status()).sync.isPaused, 'after the engine was away').toBe(true)
    expect(await codeOf(mount, 'resume')).toBe(0)
    await mount.flush()
    expect(await attribute(mount, 'report.csv', 'badge')).toBe('local')
    expect(await attribute(mount, 'report.csv', 'cached-percent')).toBe('100')
    expect(await attribute(mount, 'report.csv', 'key')).toBe('report.csv')
    expect(await attribute(mount, 'report.csv', 'etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(await attribute(mount, 'report.csv', 'conflict')).toBeUndefined()
    expect(await codeOf(mount, 'status')).toBe(0)
    expect(await codeOf(mount, 'status', mount.path('report.csv'))).toBe(0)
    const { recent } = (await mount.status()).sync
    expect(recent.entries).toMatchObject([{ kind: 'uploaded', path: 'report.csv', program: 'sh' }])
  })

  test('moves while its one PUT goes over a slow line', async () => {
    const line = await startSlowLine(server.url, 6 * MIB)
    onTestFinished(() => line.stop())
    await s3.createBucket('slow')
    const mount = await pailMount({ server: { ...server, url: line.url }, bucket: 'slow' })
    await fs.writeFile(mount.path('whole'), new Uint8Array(16 * MIB))
    const seen = new Set<number>()
    const look = async () => {
      const { sync } = await mount.status()
      const [entry] = sync.queue.entries
      if (entry?.state === 'running') seen.add(entry.doneBytes)
      return sync.counts.pendingFiles
    }
    await expect.poll(look, { timeout: 60_000, interval: 50 }).toBe(0)
    const between = [...seen].filter((bytes) => bytes > 0 && bytes < 16 * MIB)
    expect(between.length).toBeGreaterThanOrEqual(3)
    expect(between).toEqual(between.toSorted((a, b) => a - b))
    expect(await s3.list('slow', 'whole')).toHaveLength(1)
  })

  test('waits while a person works offline, and goes up when it is over', async () => {
    const mount = await mounted('offline')
    await s3.put('offline', 'theirs.txt', 'here already')
    expect(await codeOf(mount, 'refresh', mount.dir)).toBe(0)
    expect(await fs.readFile(mount.path('theirs.txt'), 'utf8')).toBe('here already')
    expect(await codeOf(mount, 'offline', 'on')).toBe(0)
    await server.requests()
    await fs.writeFile(mount.path('ours.txt'), 'saved on a train')
    expect(await fs.readFile(mount.path('theirs.txt'), 'utf8')).toBe('here already')
    expect(await codeOf(mount, 'status', mount.path('ours.txt'))).toBe(9)
    expect(await attribute(mount, 'ours.txt', 'reason')).toMatch(/works offline/)
    expect(await codeOf(mount, 'offline', 'off')).toBe(0)
    await mount.flush()
    expect(await codeOf(mount, 'status', mount.path('ours.txt'))).toBe(0)
    expect((await s3.list('offline')).map(({ key }) => key)).toContain('ours.txt')
  })
})

describe('What others store', () => {
  test('shows at once after refresh, also what was missing a moment ago', async () => {
    const mount = await mounted('refreshed')
    await expect(fs.stat(mount.path('out.txt'))).rejects.toThrow('ENOENT')
    await s3.put('refreshed', 'out.txt', 'first')
    expect(await codeOf(mount, 'refresh', mount.dir)).toBe(0)
    expect(await fs.readFile(mount.path('out.txt'), 'utf8')).toBe('first')
    await s3.put('refreshed', 'out.txt', 'second')
    expect(await codeOf(mount, 'refresh', mount.path('out.txt'))).toBe(0)
    expect(await fs.readFile(mount.path('out.txt'), 'utf8')).toBe('second')
    expect(await attribute(mount, 'out.txt', 'badge')).toBe('local')
  })

  test('ends a wait for it, whole and visible; otherwise the wait ends with its time', async () => {
    const mount = await mounted('waited')
    const pattern = mount.path('runs/*/result.csv')
    expect(await codeOf(mount, 'wait', '--glob', pattern, '--timeout', '1')).toBe(1)
    const waiting = mount.pail.run(['wait', '--glob', pattern, '--timeout', '60'])
    await s3.put('waited', 'runs/7/result.csv', 'done')
    const { code, stdout } = await waiting
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${mount.path('runs/7/result.csv')}\n` })
    expect(await fs.readFile(mount.path('runs/7/result.csv'), 'utf8')).toBe('done')
  })
})

describe('A conflict', () => {
  test('is listed with both sides, and resolved by the command line', async () => {
    const mount = await mounted('conflicts')
    await s3.put('conflicts', 'report.csv', 'base')
    await codeOf(mount, 'refresh', mount.dir)
    expect(await fs.readFile(mount.path('report.csv'), 'utf8')).toBe('base')
    await codeOf(mount, 'pause')
    await fs.writeFile(mount.path('report.csv'), 'ours')
    await s3.put('conflicts', 'report.csv', 'theirs!')
    await codeOf(mount, 'resume')
    await mount.flush()
    const listed = await mount.pail.run(['conflicts', 'list', '--json'])
    expect(listed.code).toBe(8)
    const { total, entries } = JSON.parse(listed.stdout)
    expect(total).toBe(1)
    expect(entries[0]).toMatchObject({
      theirs: { path: 'report.csv', sizeBytes: 7 },
      ours: { sizeBytes: 4, isUploaded: true },
    })
    expect(await codeOf(mount, 'status')).toBe(8)
    expect(await attribute(mount, 'report.csv', 'badge')).toBe('conflict')
    expect(await attribute(mount, 'report.csv', 'conflict')).toBe(String(entries[0].id))
    const resolve = ['conflicts', 'resolve', mount.path('report.csv'), '--keep', 'mine']
    expect(await codeOf(mount, ...resolve)).toBe(0)
    await mount.flush()
    expect(await fs.readFile(mount.path('report.csv'), 'utf8')).toBe('ours')
    expect(await fs.readdir(mount.dir)).toEqual(['report.csv'])
    expect((await s3.list('conflicts')).map(({ key }) => key)).toEqual(['report.csv'])
    expect(await codeOf(mount, 'conflicts', 'list')).toBe(0)
    expect(await codeOf(mount, ...resolve)).toBe(8)
  })

  test('of a deletion here with a change there keeps the change, and says so', async () => {
    const mount = await mounted('kept')
    await s3.put('kept', 'report.csv', 'base')
    await codeOf(mount, 'refresh', mount.dir)
    await codeOf(mount, 'pause')
    await fs.unlink(mount.path('report.csv'))
    await s3.put('kept', 'report.csv', 'theirs')
    await codeOf(mount, 'resume')
    await mount.flush()
    await expect.poll(() => fs.readdir(mount.dir), SOON).toEqual(['report.csv'])
    expect(await fs.readFile(mount.path('report.csv'), 'utf8')).toBe('theirs')
    const { recent } = (await mount.status()).sync
    expect(recent.entries.map(({ sentence }) => sentence)).toContain(
      'report.csv was deleted here but changed in the bucket: the changed file is kept.',
    )
  })
})

describe('The command line', () => {
  test('tells what it cannot know by its exit code', async () => {
    const mount = await mounted('codes')
    expect(await codeOf(mount, 'status', '/tmp')).toBe(5)
    expect(await codeOf(mount, 'status', mount.path('nothing'))).toBe(2)
    expect(await codeOf(mount, 'conflicts', 'resolve', '99', '--keep', 'both')).toBe(8)
    expect(await codeOf(mount, 'wait', '--glob', mount.path('[a'), '--timeout', '1')).toBe(2)
    await mount.unmount()
  })

  test('finds nothing wrong with a computer that works, and prints no secret', async () => {
    const mount = await mounted('doctor')
    const { code, stdout } = await mount.pail.run(['doctor', '--json'])
    const checks = JSON.parse(stdout) as Array<{ name: string; verdict: string }>
    expect(checks.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(code).toBe(0)
    const names = checks.map(({ name }) => name.split(' ')[0])
    for (const name of ['fuse', 'kernel', 'data', 'disk', 'database', 'uploads', 'server']) {
      expect(names).toContain(name)
    }
    expect(stdout).not.toContain(server.secretAccessKey)
  })
})
