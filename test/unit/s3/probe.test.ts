import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore, type MemoryOptions } from '../../../engine/s3/memory-object-store.ts'
import { probeCapabilities, probeWriting } from '../../../engine/s3/probe.ts'

const KEY = '.pail-probe-1'
const clock = new SystemClock()

async function probed(options: Partial<MemoryOptions>) {
  const store = new MemoryObjectStore({ clock, ...options })
  const capabilities = await probeCapabilities(store, KEY)
  expect(store.keys()).toEqual([])
  expect(store.openUploads()).toBe(0)
  return capabilities
}

describe('Probe of an endpoint', () => {
  test('finds everything that is there', async () => {
    expect(await probed({})).toEqual({
      conditionalPut: true,
      conditionalComplete: true,
      uploadPartCopy: true,
      etagIsMd5: true,
    })
  })

  test('sees that ETags are no digests', async () => {
    expect(await probed({ hasOpaqueEtags: true })).toMatchObject({ etagIsMd5: false })
  })

  test('does not believe in conditions that are ignored, and leaves nothing behind', async () => {
    expect(await probed({ conditionalPut: false })).toMatchObject({ conditionalPut: false })
    const complete = await probed({ conditionalComplete: false })
    expect(complete).toMatchObject({ conditionalPut: true, conditionalComplete: false })
  })

  test('sees that parts cannot be copied', async () => {
    expect(await probed({ uploadPartCopy: false })).toMatchObject({ uploadPartCopy: false })
  })

  test('takes a refusal for a no', async () => {
    const store = new MemoryObjectStore({ clock })
    const script = [{ operation: 'put', fault: { kind: 'error', code: 'auth/denied' } }] as const
    const denied = new FlakyObjectStore(store, { clock, script })
    expect(await probeCapabilities(denied, KEY)).toEqual({
      conditionalPut: false,
      conditionalComplete: false,
      uploadPartCopy: false,
    })
  })

  test('says nothing when the endpoint cannot be reached', async () => {
    const store = new MemoryObjectStore({ clock })
    const flaky = new FlakyObjectStore(store, { clock })
    flaky.setOffline(true)
    await expect(probeCapabilities(flaky, KEY)).rejects.toMatchObject({ code: 'net/offline' })
  })

  test.each([1, 2, 3, 4, 5])(
    'leaves nothing behind when reply %i of a put is lost',
    async (nth) => {
      const store = new MemoryObjectStore({ clock })
      const script = [{ operation: 'put', nth, fault: { kind: 'lost-reply' } }] as const
      const flaky = new FlakyObjectStore(store, { clock, script })
      await probeCapabilities(flaky, KEY).catch(() => undefined)
      expect(store.keys()).toEqual([])
      expect(store.openUploads()).toBe(0)
    },
  )
})

describe('Probe of the right to write', () => {
  const denied = { kind: 'error', code: 'auth/denied' } as const

  test('finds it, and leaves nothing behind', async () => {
    const store = new MemoryObjectStore({ clock })
    expect(await probeWriting(store, 'folder/.pail-probe-1')).toBe('yes')
    expect(store.keys()).toEqual([])
  })

  test('finds that it is missing where listing is allowed', async () => {
    const script = [{ operation: 'put', fault: denied }] as const
    const store = new FlakyObjectStore(new MemoryObjectStore({ clock }), { clock, script })
    expect(await probeWriting(store, 'folder/.pail-probe-1')).toBe('no')
  })

  test('concludes nothing from a server that refuses everything', async () => {
    const script = [{ fault: denied }] as const
    const store = new FlakyObjectStore(new MemoryObjectStore({ clock }), { clock, script })
    await expect(probeWriting(store, 'folder/.pail-probe-1')).rejects.toMatchObject({
      code: 'auth/denied',
    })
  })
})
