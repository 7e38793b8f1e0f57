import { expect, test } from 'vitest'
import { MemoryObjectStore } from '../../../engine/s3/memory-object-store.ts'
import { overlaid } from '../../../engine/s3/overlaid-object-store.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('An overlaid store answers as the one below it, but for what was replaced', async () => {
  // Its requests are methods of a class: none of them is a property of its own.
  const memory = new MemoryObjectStore({ clock: new FakeClock() })
  const store = overlaid(memory, { tags: async () => 'ours=1' })
  await store.put({ key: 'a', body: Buffer.from('text') })
  await store.copy({ sourceKey: 'a', key: 'b' })
  const { objects } = await store.list({ prefix: '' })
  expect(objects.map(({ key }) => key)).toEqual(['a', 'b'])
  expect(await store.tags('a')).toBe('ours=1')
  expect((await store.head('b')).sizeBytes).toBe(4)
  const { uploadId } = await store.createMultipart({ key: 'c' })
  await store.uploadPart({ key: 'c', uploadId, partNumber: 1, body: Buffer.from('part') })
  expect(await store.listParts('c', uploadId)).toHaveLength(1)
  expect(await store.listMultipart('')).toHaveLength(1)
  await store.abortMultipart('c', uploadId)
  await store.delete('a')
  await store.deleteBatch(['b'])
  expect(memory.keys()).toEqual([])
  expect(memory.openUploads()).toBe(0)
})
