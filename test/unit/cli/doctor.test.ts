import { describe, expect, test } from 'vitest'
import { type DoctorFacts, judge } from '../../../cli/doctor/judge.ts'
import { syncView } from '../../support/sync-view.ts'

const NOW_MS = 1_800_000_000_000
const STATUS = {
  engine: { pid: 1, version: '1', startedMs: 0, dataDir: '/data', residentBytes: 1 },
  mounts: [],
  sync: syncView(),
}
const WELL: DoctorFacts = {
  nowMs: NOW_MS,
  platform: 'linux',
  kernel: '6.8.0-45-generic',
  isRoot: false,
  fuse: 'usable',
  hasFusermount: true,
  dataDir: { path: '/data', exists: true, isOwn: true, isPrivate: true, isWritable: true },
  disk: { freeBytes: 500e9, totalBytes: 1000e9 },
  staleMounts: [],
  engine: { state: 'running', status: STATUS, check: { problems: [] } },
  endpoints: [{ url: 'https://s3.example.com', skewMs: 400 }],
}

const verdictsOf = (change: Partial<DoctorFacts>) =>
  judge({ ...WELL, ...change }).filter(({ verdict }) => verdict !== 'ok')

describe('The doctor', () => {
  test('finds nothing where all is well', () => {
    expect(verdictsOf({})).toEqual([])
    expect(verdictsOf({ engine: { state: 'none' }, endpoints: [] })).toEqual([])
  })

  const pending = { ...syncView().counts, pendingFiles: 2, pendingBytes: 10 }
  const running = (sync: Partial<typeof STATUS.sync>, check = {}) => ({
    engine: {
      state: 'running' as const,
      status: { ...STATUS, sync: syncView(sync) },
      check: { problems: [], ...check },
    },
  })
  test.each<[string, Partial<DoctorFacts>, string, 'warn' | 'fail']>([
    ['no /dev/fuse', { fuse: 'missing' }, 'fuse', 'fail'],
    ['a closed /dev/fuse', { fuse: 'forbidden' }, 'fuse', 'fail'],
    ['no fusermount3', { hasFusermount: false }, 'fusermount3', 'fail'],
    ['an old kernel', { kernel: '4.19.1' }, 'kernel', 'warn'],
    ['another system', { platform: 'darwin' }, 'kernel', 'fail'],
    [
      'an open data folder',
      { dataDir: { ...WELL.dataDir, isPrivate: false } },
      'data folder',
      'fail',
    ],
    ['a full disk', { disk: { freeBytes: 1000, totalBytes: 1e12 } }, 'disk', 'fail'],
    ['a nearly full disk', { disk: { freeBytes: 50e9, totalBytes: 1e12 } }, 'disk', 'warn'],
    ['a dead mount', { staleMounts: ['/mnt/x'] }, 'stale mounts', 'warn'],
    ['a silent engine', { engine: { state: 'silent', because: 'x' } }, 'engine', 'fail'],
    ['a damaged database', running({}, { problems: ['row 1 missing'] }), 'database', 'fail'],
    ['paused uploads', running({ counts: pending, isPaused: true }), 'uploads', 'warn'],
    [
      'files that wait long',
      running({ counts: pending }, { oldestPendingMs: NOW_MS - 7_200_000 }),
      'uploads',
      'warn',
    ],
    ['a failed upload', running({ counts: { ...pending, failed: 1 } }), 'uploads', 'fail'],
    ['a conflict', running({ counts: { ...pending, conflicts: 1 } }), 'uploads', 'fail'],
    [
      'a server without encryption',
      { endpoints: [{ url: 'http://storage.example.org' }] },
      'server http://storage.example.org',
      'warn',
    ],
    [
      'a name without address',
      { endpoints: [{ url: 'https://x', dnsError: 'ENOTFOUND' }] },
      'server https://x',
      'fail',
    ],
    [
      'a certificate of nobody',
      {
        endpoints: [{ url: 'https://x', connectError: { code: 'CERT_HAS_EXPIRED', isTls: true } }],
      },
      'server https://x',
      'fail',
    ],
    [
      'a clock two minutes off',
      { endpoints: [{ url: 'https://x', skewMs: -120_000 }] },
      'server https://x',
      'warn',
    ],
    [
      'a clock an hour off',
      { endpoints: [{ url: 'https://x', skewMs: 3_600_000 }] },
      'server https://x',
      'fail',
    ],
  ])('names %s, and what to do', (_, change, name, verdict) => {
    const [found, ...others] = verdictsOf(change)
    expect(others).toEqual([])
    expect(found).toMatchObject({ name, verdict })
    expect(found?.todo).toMatch(/\.$/)
  })
})
