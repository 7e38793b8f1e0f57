import { describe, expect, test } from 'vitest'
import { attentionGroups } from '../../../renderer/view/attention.ts'
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
import { relativeTime } from '../../../renderer/view/time.ts'
import { verdict } from '../../../renderer/view/verdict.ts'
import { MOUNT_STATES } from '../../../shared/model.ts'
import { CONNECTION_ID, mountRow, statusOf } from './rows.ts'

const ERROR = { path: 'a', code: 'auth/denied' as const, sentence: 'Denied.', atMs: 5 }

describe('the verdict', () => {
  test('says that everything is in the bucket only when nothing is pending anywhere', () => {
    expect(verdict(statusOf(mountRow())).sentence).toBe('Everything you saved is in the bucket')
    const busy = statusOf(mountRow(), mountRow({ pendingFiles: 3, pendingBytes: 310e6 }))
    expect(verdict(busy)).toEqual({ tone: 'busy', sentence: '3 files, 310 MB still to upload' })
    const unmounted = statusOf(mountRow({ state: 'stopped', pendingFiles: 1, pendingBytes: 1 }))
    expect(verdict(unmounted).sentence).toBe('1 file, 1 byte still to upload')
  })

  test('puts what needs a person before what is on its way', () => {
    const row = mountRow({ pendingFiles: 2, errors: [ERROR, ERROR] })
    expect(verdict(statusOf(row)).sentence).toBe('2 files need attention')
    const failed = statusOf(mountRow({ state: 'failed' }), mountRow({ pendingFiles: 2 }))
    expect(verdict(failed)).toEqual({ tone: 'attention', sentence: '1 folder needs attention' })
  })

  test('does not claim anything while the engine is away, or before the first folder', () => {
    const away = { ...statusOf(mountRow({ state: 'starting' })) }
    const engine = { state: 'restarting' as const, isShared: false, reason: 'It restarts.' }
    expect(verdict({ ...away, engine }).sentence).toBe('It restarts.')
    expect(verdict(statusOf()).sentence).toBe('No folders yet')
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
  test('is grouped by cause, the newest first', () => {
    const later = { ...ERROR, code: 's3/too-large' as const, sentence: 'Too large.', atMs: 9 }
    const status = statusOf(mountRow({ errors: [ERROR, later] }), mountRow({ errors: [ERROR] }))
    const groups = attentionGroups(status)
    expect(groups.map(({ sentence, files }) => [sentence, files.length])).toEqual([
      ['Too large.', 1],
      ['Denied.', 2],
    ])
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
})
