import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../../engine/s3/memory-object-store.ts'
import { archiveContract } from '../../contract/archive-store.ts'
import { objectStoreContract } from '../../contract/object-store.ts'

const clock = new SystemClock()

objectStoreContract('MemoryObjectStore', async () => ({
  store: new MemoryObjectStore({ clock }),
  close: async () => {},
}))

archiveContract('MemoryObjectStore', async () => {
  const store = new MemoryObjectStore({ clock })
  return {
    store,
    freeze: async (key, body) => {
      store.putDirect(key, body, { storageClass: 'GLACIER' })
    },
    finish: async () => {
      for (const key of store.keys()) store.finishRestore(key)
    },
    close: async () => {},
  }
})

describe('MemoryObjectStore', () => {
  test('remembers every version that a key ever had', async () => {
    const store = new MemoryObjectStore({ clock })
    await store.put({ key: 'a', body: Buffer.from('one') })
    store.putDirect('a', 'two')
    await store.delete('a')
    expect(store.versions('a').map(({ kind }) => kind)).toEqual(['stored', 'stored', 'deleted'])
    expect(store.bytesOf('a')).toBeUndefined()
  })

  test('counts requests by operation, and those of another client not', async () => {
    const store = new MemoryObjectStore({ clock })
    store.putDirect('a', 'text')
    await store.head('a')
    await store.list({ prefix: '' })
    await store.list({ prefix: '' })
    expect(store.requests()).toEqual({ head: 1, list: 2 })
    store.resetRequests()
    expect(store.requests()).toEqual({})
  })

  test('keeps what was put when the caller changes its buffer', async () => {
    const store = new MemoryObjectStore({ clock })
    const body = Buffer.from('before')
    await store.put({ key: 'a', body })
    body.write('after!')
    expect(Buffer.from(store.bytesOf('a') ?? []).toString()).toBe('before')
  })

  test('lists 100,000 keys by pages', async () => {
    const store = new MemoryObjectStore({ clock })
    for (let index = 0; index < 100_000; index++) store.putDirect(`k/${index}`, '')
    let token: string | undefined
    let count = 0
    do {
      const page = await store.list({ prefix: 'k/', ...(token === undefined ? {} : { token }) })
      count += page.objects.length
      token = page.next
    } while (token !== undefined)
    expect(count).toBe(100_000)
    expect(store.requests()).toEqual({ list: 100 })
  })
})
