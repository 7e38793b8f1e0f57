/** The bucket that `npm run demo` shows. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { sampleBucket } from '../../../demo/sample-bucket.mjs'

describe('The sample bucket', () => {
  test('is the same at every run', () => {
    expect([...sampleBucket()]).toEqual([...sampleBucket()])
  })

  test('holds some hundred files of a few megabytes', () => {
    const objects = sampleBucket()
    const bytes = [...objects.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    expect(objects.size).toBeGreaterThan(200)
    expect(objects.size).toBeLessThan(1000)
    expect(bytes).toBeGreaterThan(1e6)
    expect(bytes).toBeLessThan(10e6)
  })

  test('lists each file with its checksum in the manifest', () => {
    const objects = sampleBucket()
    const { files } = JSON.parse(objects.get('manifest.json') ?? '')
    expect(files).toHaveLength(objects.size - 1)
    for (const { path, sha256 } of files) {
      const text = objects.get(path) ?? 'missing'
      expect(createHash('sha256').update(text).digest('hex'), path).toBe(sha256)
    }
  })

  test('can be a file tree: no key is the folder of another', () => {
    const keys = [...sampleBucket().keys()]
    const folders = new Set(keys.flatMap((key) => key.split('/').slice(0, -1).join('/')))
    expect(keys.filter((key) => folders.has(key))).toEqual([])
  })
})
