import { describe, expect, test } from 'vitest'
import { activityCounts, connectionOf, serverWords } from '../../../renderer/view/attention.ts'
import { arrange, bucketRows, nextSort } from '../../../renderer/view/bucket-rows.ts'
import { recognise } from '../../../renderer/view/credential-paste.ts'
import {
  completeUrl,
  endpointFault,
  endpointWarning,
  nameFor,
  regionOf,
} from '../../../renderer/view/endpoint.ts'
import { stateAction, stateTone, stateWord } from '../../../renderer/view/mount-state.ts'
import { localPathOf, originWords, progressWords, waitWords } from '../../../renderer/view/queue.ts'
import { filterRecent, type RecentFilter } from '../../../renderer/view/recent.ts'
import { listedWords, readOnlyReason } from '../../../renderer/view/rights.ts'
import { durationWords, relativeTime } from '../../../renderer/view/time.ts'
import { verdict } from '../../../renderer/view/verdict.ts'
import { MOUNT_STATES } from '../../../shared/model.ts'
import type { QueueEntry } from '../../../shared/sync-model.ts'
import { syncView } from '../../support/sync-view.ts'
import { CONNECTION_ID, mountRow, statusOf, syncWith } from './rows.ts'

const ERROR = { path: 'a', code: 'auth/denied' as const, sentence: 'Denied.', atMs: 5 }

describe('the verdict', () => {
  test('says that everything is in the bucket only when nothing is pending anywhere', () => {
    expect(verdict(statusOf(mountRow())).sentence).toBe('Everything you saved is in the bucket')
    const busy = statusOf(mountRow(), mountRow({ pendingFiles: 3, pendingBytes: 310e6 }))
    expect(verdict(busy)).toMatchObject({
      tone: 'busy',
      sentence: '3 files, 310 MB still to upload',
    })
    const unmounted = statusOf(mountRow({ state: 'stopped', pendingFiles: 1, pendingBytes: 1 }))
    expect(verdict(unmounted).sentence).toBe('1 file, 1 byte still to upload')
  })

  test('puts what needs a person before what is on its way', () => {
    const row = mountRow({ pendingFiles: 2, errors: [ERROR, ERROR] })
    expect(verdict(statusOf(row)).sentence).toBe('2 files need attention')
    const failed = statusOf(mountRow({ state: 'failed' }), mountRow({ pendingFiles: 2 }))
    expect(verdict(failed)).toMatchObject({
      tone: 'attention',
      sentence: '1 folder needs attention',
    })
  })

  test('says that removed files wait for an answer, and counts the question once', () => {
    const counts = { ...syncView().counts, pendingFiles: 150, failed: 150, heldDeletes: 150 }
    const heldDeletes = { count: 150, sinceMs: 0 }
    const status = { ...statusOf(mountRow({ heldDeletes })), sync: syncWith({ counts }) }
    expect(verdict(status).sentence).toBe('150 removed files wait for your answer')
    expect(activityCounts(status).attention).toBe(1)
  })

  test('does not claim anything while the engine is away, or before the first folder', () => {
    const away = { ...statusOf(mountRow({ state: 'starting' })) }
    const engine = { state: 'restarting' as const, isShared: false, reason: 'It restarts.' }
    expect(verdict({ ...away, engine }).sentence).toBe('It restarts.')
    expect(verdict(statusOf()).sentence).toBe('No folders yet')
    const { sync: _, ...unknown } = statusOf(mountRow())
    expect(verdict(unknown).sentence).toBe('Pail starts')
  })

  test('says why work rests', () => {
    const counts = { ...syncView().counts, pendingFiles: 1, pendingBytes: 5e6 }
    const status = statusOf(mountRow({ pendingFiles: 1, pendingBytes: 5e6 }))
    const paused = verdict({ ...status, sync: syncWith({ counts, isPaused: true }) })
    expect(paused).toMatchObject({ kind: 'paused', note: 'Uploads are paused' })
    const away = verdict({ ...status, sync: syncWith({ counts, isWorkingOffline: true }) })
    expect(away).toMatchObject({ kind: 'offline', note: 'Working offline' })
    expect(away.sentence).toBe('1 file, 5.0 MB still to upload')
    const cutOff = verdict(statusOf(mountRow({ state: 'offline' })))
    expect(cutOff).toMatchObject({ kind: 'offline', note: 'No connection' })
  })

  test('calls for a person while removed files wait for an answer', () => {
    const held = statusOf(mountRow({ heldDeletes: { count: 2, sinceMs: 0 } }))
    expect(verdict(held)).toMatchObject({ tone: 'attention', sentence: '1 folder needs attention' })
  })
})

describe('a mount’s state', () => {
  test('has a word and a tone each, and a way out when a person is needed', () => {
    expect(new Set(MOUNT_STATES.map(stateWord)).size).toBe(MOUNT_STATES.length)
    for (const state of MOUNT_STATES) {
      const action = stateAction(mountRow({ state }))
      if (stateTone(state) === 'attention') expect(action, state).not.toBe('none')
    }
  })

  test('offers no mounting for folders whose keys this app does not have', () => {
    const { connectionId: _, ...foreign } = mountRow({ state: 'failed' })
    expect(stateAction(foreign)).toBe('none')
  })
})

describe('a read-only folder', () => {
  test('says whether a person or the keys made it so', () => {
    const rights = { list: 'yes', read: 'yes', write: 'no', delete: 'no' } as const
    expect(readOnlyReason({ rights })).toContain('keys')
    expect(readOnlyReason({})).toContain('Mounted read-only')
  })

  test('tells the age of its listing once there is one', () => {
    expect(listedWords(undefined, 0)).toBeUndefined()
    expect(listedWords(0, 180_000)).toBe('listed 3 min ago')
  })
})

describe('a pasted credential', () => {
  const hmac = { access_key_id: 'AK', secret_access_key: 'SK' }
  const ibm = { apikey: 'x', cos_hmac_keys: hmac, iam_role_crn: 'crn:v1::serviceRole:Reader' }

  test.each([
    ['a bare IBM credential', JSON.stringify(ibm)],
    ['the list that the IBM CLI prints', JSON.stringify([{ credentials: ibm, guid: 'g' }])],
    ['a line of an s3fs password file', '# mine\nAK:SK\n'],
    ['an AWS credentials section', '[default]\naws_access_key_id = AK\naws_secret_access_key=SK'],
    ['exported variables', 'export AWS_ACCESS_KEY_ID="AK"\nexport AWS_SECRET_ACCESS_KEY="SK"'],
  ])('is recognised: %s', (_, text) => {
    expect(recognise(text)).toMatchObject({
      kind: 'keys',
      accessKeyId: 'AK',
      secretAccessKey: 'SK',
    })
  })

  test('brings its bucket and its role along', () => {
    expect(recognise('lab-data:AK:SK')).toMatchObject({ kind: 'keys', bucket: 'lab-data' })
    expect(recognise(JSON.stringify(ibm))).toMatchObject({ isReader: true })
  })

  test('without HMAC keys says how to get them', () => {
    const note = recognise(JSON.stringify({ apikey: 'x', resource_instance_id: 'crn' }))?.note
    expect(note).toContain('Include HMAC credential')
  })

  test.each([
    '{"cos_hmac_keys": {"access_key_id": "AK", "secret',
    'hello',
    'a:b:c:d',
    '[]',
    ':',
    '{}',
  ])('that is none is refused in a sentence: %s', (text) => {
    expect(recognise(text)?.kind).toBe('fault')
  })

  test('is never repeated in what is said about it', () => {
    const secret = 'canary-77'
    for (const text of [`AK:${secret}`, `x ${secret}`, JSON.stringify({ apikey: secret })]) {
      expect(recognise(text)?.note).not.toContain(secret)
    }
    expect(recognise(`  \n`)).toBeUndefined()
    expect(recognise(secret.repeat(10_000))?.kind).toBe('fault')
  })
})

describe('an endpoint', () => {
  test('gets its scheme, region and name', () => {
    const ibm = 's3.private.eu-de.cloud-object-storage.appdomain.cloud/'
    expect(completeUrl(ibm)).toBe('https://s3.private.eu-de.cloud-object-storage.appdomain.cloud')
    expect(completeUrl('localhost:9000')).toBe('http://localhost:9000')
    expect(regionOf(ibm)).toBe('eu-de')
    expect(regionOf('https://s3.us-west-2.amazonaws.com')).toBe('us-west-2')
    expect(regionOf('https://minio.example.org')).toBe('us-east-1')
    expect(nameFor(ibm)).toBe('IBM eu-de')
  })

  test('that cannot be one is named as such', () => {
    const control = 'https://control.cloud-object-storage.cloud.ibm.com/v2/endpoints'
    expect(endpointFault(control)).toContain('not an S3 endpoint')
    expect(endpointFault('')).toBeDefined()
    expect(endpointFault('ftp://x')).toBeDefined()
    expect(endpointFault('https://')).toBeDefined()
    expect(endpointFault('s3.example.org')).toBeUndefined()
  })

  test('without https is warned about, except on this computer', () => {
    expect(endpointWarning('http://s3.example.org')).toBeDefined()
    expect(endpointWarning('http://127.0.0.1:9000')).toBeUndefined()
    expect(endpointWarning('s3.example.org')).toBeUndefined()
  })
})

describe('the list of buckets', () => {
  const buckets = [
    { name: 'b', createdMs: 1, location: 'eu-de' },
    { name: 'a', createdMs: 3 },
    { name: 'c', createdMs: 2, location: 'us-south' },
  ]
  const mounts = [
    mountRow({ bucket: 'b', dir: '/m/b' }),
    mountRow({ bucket: 'a', state: 'stopped' }),
  ]
  const rows = bucketRows({ buckets, mounts, connectionId: CONNECTION_ID })
  const names = (list: ReadonlyArray<{ name: string }>) => list.map(({ name }) => name).join('')

  test('knows where each is mounted now', () => {
    expect(rows.map(({ mountedAt }) => mountedAt)).toEqual([['/m/b'], [], []])
  })

  test('is searched by name and location and sorted both ways', () => {
    expect(names(arrange(rows, '', { by: 'name', isDescending: false }))).toBe('abc')
    expect(names(arrange(rows, '', { by: 'created', isDescending: true }))).toBe('acb')
    expect(names(arrange(rows, ' EU-', { by: 'name', isDescending: false }))).toBe('b')
  })

  test('turns a column round when it is chosen again', () => {
    const byName = { by: 'name' as const, isDescending: false }
    expect(nextSort(byName, 'name')).toEqual({ by: 'name', isDescending: true })
    expect(nextSort(byName, 'created')).toEqual({ by: 'created', isDescending: true })
  })
})

describe('what needs attention', () => {
  const entry = { seq: 1, bucket: 'data', path: 'a', atMs: 5, attempts: 1, detail: 'refused' }

  test('counts files, conflicts and folders that only a person can help', () => {
    const held = mountRow({ heldDeletes: { count: 9, sinceMs: 0 } })
    const status = statusOf(mountRow({ errors: [ERROR] }), mountRow({ state: 'failed' }), held)
    expect(activityCounts(status)).toEqual({ queue: 0, attention: 3, conflicts: 0 })
  })

  test('names the code of the server and its request, or else what is known', () => {
    const told = { ...entry, serverCode: 'AccessDenied', httpStatus: 403, requestId: '17C4' }
    expect(serverWords(told)).toBe('AccessDenied · HTTP 403 · request 17C4')
    expect(serverWords(entry)).toBe('refused')
  })

  test('finds the connection whose keys would help', () => {
    expect(connectionOf([mountRow()], 'data')).toBe(CONNECTION_ID)
    expect(connectionOf([mountRow()], 'other')).toBeUndefined()
  })
})

describe('an entry of the queue', () => {
  const entry: QueueEntry = {
    seq: 1,
    bucket: 'data',
    path: 'runs/7/scan.raw',
    op: 'put',
    direction: 'up',
    state: 'running',
    sizeBytes: 100e6,
    doneBytes: 31e6,
    bytesPerSecond: 4.2e6,
    attempts: 0,
  }

  test('on its way says how far, how fast, how long and which part', () => {
    const sending = { ...entry, part: { done: 2, total: 12 } }
    expect(progressWords(sending)).toBe('31 % · 4.2 MB/s · 17 s left · part 3 of 12')
    expect(progressWords({ ...entry, doneBytes: 0, bytesPerSecond: 0 })).toBe('0 %')
    // What has left this computer is not in the bucket before the server says so.
    expect(progressWords({ ...entry, doneBytes: entry.sizeBytes })).toBe(
      'All sent, the server confirms',
    )
  })

  test('that waits says why and when it goes on', () => {
    const reason = 'Uploads are paused.'
    const paused = { ...entry, reason, nextTry: { when: 'resumed' as const } }
    expect(waitWords(paused, 0)).toBe('Uploads are paused. Goes on when uploads are resumed.')
    const later = { ...entry, reason: 'It broke off.', nextTry: { atMs: 90_000 } }
    expect(waitWords(later, 0)).toBe('It broke off. Goes on in 2 min.')
    expect(waitWords(later, 100_000)).toBe('It broke off.')
  })

  test('says where it belongs, who saved it and how often it was tried', () => {
    const tried = { ...entry, program: 'python3', attempts: 3 }
    expect(originWords(tried)).toBe('data/runs/7 · saved by python3')
    expect(waitWords({ ...tried, reason: 'It broke off.' }, 0)).toBe(
      'It broke off. (tried 3 times before)',
    )
    expect(progressWords({ ...tried, attempts: 1, bytesPerSecond: 0 })).toBe(
      '31 % · tried once before',
    )
    expect(originWords({ ...entry, path: 'a' })).toBe('data')
  })

  test('is found on this computer while its folder is mounted', () => {
    const mounts = [mountRow({ prefix: 'runs/', dir: '/home/ana/Pail/runs' })]
    expect(localPathOf(mounts, entry)).toBe('/home/ana/Pail/runs/7/scan.raw')
    expect(localPathOf(mounts, { ...entry, path: 'else' })).toBeUndefined()
    expect(localPathOf([mountRow({ state: 'stopped' })], entry)).toBeUndefined()
  })
})

describe('recent events', () => {
  const event = {
    id: 1,
    atMs: 0,
    kind: 'uploaded',
    origin: 'local' as const,
    bucket: 'data',
    path: 'a.csv',
    count: 1,
    sizeBytes: 1,
    program: 'python3',
    sentence: 'a.csv is in the bucket.',
  }
  const theirs = { ...event, id: 2, origin: 'remote' as const, sentence: 'b came into the bucket.' }

  test('are filtered by what they say, by program and by whose they are', () => {
    const ids = (filter: RecentFilter) => filterRecent([event, theirs], filter).map(({ id }) => id)
    expect(ids({ origin: 'all', search: '' })).toEqual([1, 2])
    expect(ids({ origin: 'remote', search: '' })).toEqual([2])
    expect(ids({ origin: 'all', search: ' A.CSV ' })).toEqual([1])
    expect(ids({ origin: 'local', search: 'Python' })).toEqual([1])
  })
})

describe('times', () => {
  test('are told as people tell them', () => {
    const now = 1_800_000_000_000
    const ago = (ms: number) => relativeTime(now - ms, now)
    expect(ago(-5)).toBe('just now')
    expect(ago(8 * 60_000)).toBe('8 min ago')
    expect(ago(2 * 3_600_000)).toBe('2 h ago')
    expect(ago(30 * 3_600_000)).toBe('yesterday')
    expect(ago(3 * 86_400_000)).toBe('3 days ago')
    expect(ago(90 * 86_400_000)).toMatch(/^\d{4}-\d\d-\d\d$/)
  })

  test('that are left are rounded up', () => {
    expect([0, 1, 59_001, 61_000, 5_400_000, 300_000_000].map(durationWords)).toEqual([
      '1 s',
      '1 s',
      '60 s',
      '2 min',
      '2 h',
      '4 days',
    ])
  })
})
