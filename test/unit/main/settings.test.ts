import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptySettings, SettingsFile } from '../../../main/settings.ts'

describe('SettingsFile', () => {
  let folder = ''
  const asides: string[] = []
  const open = () => new SettingsFile(folder, (path) => asides.push(path))

  beforeEach(async () => {
    asides.length = 0
    folder = await mkdtemp(join(tmpdir(), 'pail-settings-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const connection = {
    id: '00000000-0000-4000-8000-000000000001',
    name: 'Lab',
    endpointUrl: 'https://s3.example.org',
    region: 'eu-de',
    accessKeyId: 'AK',
    buckets: [],
  }

  test('is read back as it was written, by its owner alone', async () => {
    open().write({ ...emptySettings, connections: [connection] })
    expect(open().read().connections).toEqual([connection])
    expect((await stat(join(folder, 'settings.json'))).mode & 0o777).toBe(0o600)
  })

  test('never writes a field that the schema does not have', async () => {
    const withSecret = { ...connection, secretAccessKey: 'canary' }
    open().write({ ...emptySettings, connections: [withSecret] })
    expect(await readFile(join(folder, 'settings.json'), 'utf8')).not.toContain('canary')
  })

  test.each(['{ "version": 1, "connect', '[]', '{"version":99,"connections":[],"mounts":[]}'])(
    'sets a file that it cannot read aside and starts empty: %s',
    async (text) => {
      await writeFile(join(folder, 'settings.json'), text)
      expect(open().read()).toEqual(emptySettings)
      expect(asides).toHaveLength(1)
      expect(await readFile(asides[0] ?? '', 'utf8')).toBe(text)
      expect(await readdir(folder)).toHaveLength(1)
    },
  )
})
