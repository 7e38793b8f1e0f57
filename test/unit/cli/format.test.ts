/** What a person reads. */

import { describe, expect, test } from 'vitest'
import { EXIT, exitCodeFor } from '../../../cli/exit-codes.ts'
import {
  formatBytes,
  formatMounted,
  formatNoEngine,
  formatStatus,
  formatUnmounted,
  printable,
} from '../../../cli/format.ts'
import { parseKeyBytes, parseSeconds } from '../../../cli/program-parts.ts'
import { describeError } from '../../../cli/sentences.ts'
import { ERRORS, type ErrorCode, PailError } from '../../../shared/errors.ts'
import type { MountView } from '../../../shared/model.ts'
import { syncView } from '../../support/sync-view.ts'

const VIEW: MountView = {
  dir: '/home/ada/results',
  bucket: 'demo',
  prefix: 'a/b/',
  endpointUrl: 'https://h',
  readOnly: false,
  state: 'mounted',
  pendingFiles: 0,
  pendingBytes: 0,
  renamedItems: 0,
  errors: [],
}
const CODES = Object.keys(ERRORS) as ErrorCode[]

describe('Numbers', () => {
  test.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1_000, '1 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [3_140_000, '3.1 MB'],
    [5e12, '5 TB'],
  ])('%d bytes read as %s', (sizeBytes, text) => {
    expect(formatBytes(sizeBytes)).toBe(text)
  })

  test('a time is told in seconds and is never nothing', () => {
    expect(parseSeconds('2.5')).toBe(2_500)
    expect(parseSeconds('0')).toBe(1)
    for (const text of ['', 'x', '-1', '1e99', 'NaN']) expect(() => parseSeconds(text)).toThrow()
  })

  test('the longest key is one of S3, or longer as far as any program could name a file', () => {
    expect(parseKeyBytes('1024')).toBe(1_024)
    expect(parseKeyBytes('8192')).toBe(8_192)
    for (const text of ['', '1023', '8193', '4k', '-2000', '2e3', '0x800']) {
      expect(() => parseKeyBytes(text)).toThrow('write bytes, from 1024 to 8192')
    }
  })
})

describe('Answers', () => {
  test('a mount and an unmount say what is where, and what is still to come', () => {
    expect(formatMounted({ ...VIEW, readOnly: true })).toBe(
      'Mounted demo:/a/b on /home/ada/results (read-only).',
    )
    expect(formatUnmounted(VIEW)).toBe('Unmounted /home/ada/results.')
    expect(formatUnmounted({ ...VIEW, pendingFiles: 2, pendingBytes: 3e6 })).toBe(
      'Unmounted /home/ada/results. 2 files, 3 MB still to upload; they go on in the background.',
    )
  })

  test('the status names a folder whose way to the bucket is not encrypted', () => {
    const engine = { pid: 1, version: '1', startedMs: 0, dataDir: '/data', residentBytes: 0 }
    const of = (endpointUrl: string) =>
      formatStatus({ engine, mounts: [{ ...VIEW, endpointUrl }], sync: syncView() })
    const text = of('http://storage.example.org')
    expect(text).toContain('mounted, unprotected')
    expect(text).toContain('http://storage.example.org is not encrypted')
    for (const url of ['https://h', 'http://127.0.0.1:9000']) expect(of(url)).not.toMatch(/crypt/)
  })

  test('what is not in the bucket yet is named with its reason, ten of it at the most', () => {
    const engine = { pid: 1, version: '1', startedMs: 0, dataDir: '/data', residentBytes: 0 }
    const sync = syncView()
    const entry = (path: string, op: 'put' | 'move' | 'delete', more = {}) => ({
      ...{ bucket: 'demo', path, op, direction: 'up', state: 'waiting', sizeBytes: 3_000_000 },
      ...{ doneBytes: 0, bytesPerSecond: 0, attempts: 0, reason: 'Uploads are paused.', ...more },
    })
    const told = (entries: ReadonlyArray<ReturnType<typeof entry>>, pendingFiles: number) => {
      const counts = { ...sync.counts, pendingFiles }
      const queue = { total: pendingFiles, entries: entries as typeof sync.queue.entries }
      const view = { ...sync, counts, queue }
      return formatStatus({ engine, mounts: [VIEW], sync: view })
        .split('\n')
        .slice(5)
    }
    const entries = [
      entry('a/big', 'put'),
      entry('evil\u001b[2J', 'move'),
      entry('gone', 'delete'),
      entry('coming', 'put', { direction: 'down' }),
      entry('refused', 'put', { state: 'failed' }),
    ]
    expect(told(entries, 3)).toEqual([
      'Not in the bucket yet:',
      '  demo/a/big (3 MB): Uploads are paused.',
      '  demo/evil\ufffd[2J (renamed): Uploads are paused.',
      '  demo/gone (removed): Uploads are paused.',
    ])
    const many = Array.from({ length: 20 }, (_, index) => entry(`${index}`, 'put'))
    expect(told(many, 1200)).toHaveLength(12)
    expect(told(many, 1200).at(-1)).toBe('  and 1,190 more')
  })

  test('the status is a table, and tells problems by name', () => {
    const engine = { pid: 1, version: '1', startedMs: 0, dataDir: '/data', residentBytes: 0 }
    const error = {
      path: 'x/evil\u001b[2J',
      code: 'auth/denied' as const,
      sentence: 'It is refused.',
      atMs: 0,
    }
    const text = formatStatus({
      engine,
      mounts: [
        { ...VIEW, state: 'offline', reason: 'No network.', pendingFiles: 1, errors: [error] },
      ],
      sync: syncView(),
    })
    expect(text.split('\n')).toEqual([
      'Engine 1, process 1, data in /data',
      '',
      'FOLDER             BUCKET     STATE    TO UPLOAD',
      '/home/ada/results  demo:/a/b  offline  1 file, 0 bytes',
      '',
      '/home/ada/results: No network.',
      '/home/ada/results: x/evil\ufffd[2J: It is refused.',
    ])
    const stopped = { ...VIEW, state: 'stopped' as const }
    expect(formatStatus({ engine, mounts: [stopped], sync: syncView() })).toMatch(
      /Nothing is mounted/,
    )
    expect(
      formatStatus({ engine, mounts: [{ ...stopped, pendingFiles: 1 }], sync: syncView() }),
    ).toMatch(/1 file/)
    expect(formatNoEngine(undefined)).toBe('No engine is running, nothing is mounted.')
    const left = { pendingFiles: 3, pendingBytes: 2_000_000, deadDirs: ['/home/ada/results'] }
    const dead = formatNoEngine(left)
    expect(dead).toContain('/home/ada/results: nobody serves this folder any more.')
    expect(dead).toContain('Not in the bucket yet: 3 files, 2 MB.')
    expect(printable('a\u202eb\nc')).toBe('a\ufffdb\ufffdc')
  })
})

describe('Errors', () => {
  test.each(CODES)('%s is one line with a remedy and an exit code that is not 0', (code) => {
    const line = describeError(new PailError(code, 'some\ndetail', { dir: '/d' }), { bucket: 'b' })
    expect(line).toMatch(/^\S.*[.!?] .*[.!?]$/)
    expect(line).not.toContain('\n')
    expect(exitCodeFor(code)).toBeGreaterThan(EXIT.pending)
  })

  test('name the thing they are about', () => {
    const subject = { bucket: 'demo', endpointUrl: 'http://h:1', dir: '/d' }
    const line = (code: ErrorCode, where = {}) =>
      describeError(new PailError(code, 'x', where), subject)
    expect(line('auth/bad-key')).toContain('http://h:1 does not accept these keys')
    expect(line('net/unreachable')).toContain('http://h:1 cannot be reached')
    expect(line('s3/no-bucket')).toContain('no bucket demo at http://h:1')
    expect(line('mount/folder-not-empty', { names: 'a, b' })).toContain(
      '/d is not empty: it holds a, b',
    )
    expect(line('mount/inside-mount', { dir: '/m/d', mountPoint: '/m' })).toContain(
      '/m/d is inside the mounted folder /m.',
    )
    expect(line('store/locked', { pid: 12 })).toContain('process 12')
  })

  test('hold no secret even when a detail does', () => {
    const error = new PailError('internal/bug', 'secretAccessKey=canary failed')
    expect(describeError(error)).not.toContain('canary')
  })
})
