import { describe, expect, test } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import { FlakyObjectStore, type ScriptedFault } from '../../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../../engine/s3/memory-object-store.ts'

const clock = new SystemClock()
const body = Buffer.from('text')

function flaky(script: readonly ScriptedFault[]) {
  const memory = new MemoryObjectStore({ clock })
  return { memory, store: new FlakyObjectStore(memory, { clock, script }) }
}

describe('FlakyObjectStore', () => {
  test('fails the call that the script names, before it reaches the store', async () => {
    const { memory, store } = flaky([
      { operation: 'put', nth: 2, fault: { kind: 'error', code: 's3/busy' } },
    ])
    await store.put({ key: 'a', body })
    await expect(store.put({ key: 'b', body })).rejects.toMatchObject({ code: 's3/busy' })
    await store.put({ key: 'c', body })
    expect(memory.keys()).toEqual(['a', 'c'])
    expect(store.calls).toEqual(['put a', 'put b', 'put c'])
  })

  test('a lost reply is a request that was carried out', async () => {
    const { memory, store } = flaky([{ key: 'a', fault: { kind: 'lost-reply' } }])
    await expect(store.put({ key: 'a', body })).rejects.toMatchObject({ code: 'net/reset' })
    expect(memory.keys()).toEqual(['a'])
  })

  test('a hanging call ends when it is aborted, and only then', async () => {
    const { memory, store } = flaky([{ operation: 'delete', fault: { kind: 'hang' } }])
    memory.putDirect('a', 'x')
    const controller = new AbortController()
    const reason = new Error('enough')
    const hanging = store.delete('a', controller.signal)
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort(reason)
    await expect(hanging).rejects.toBe(reason)
    expect(memory.keys()).toEqual(['a'])
  })

  test('a hook sees the store before or after the request', async () => {
    const seen: number[] = []
    const memory = new MemoryObjectStore({ clock })
    const hook = () => void seen.push(memory.keys().length)
    const script: ScriptedFault[] = [
      { nth: 1, fault: { kind: 'hook', when: 'before', hook } },
      { nth: 2, fault: { kind: 'hook', when: 'after', hook } },
    ]
    const store = new FlakyObjectStore(memory, { clock, script })
    await store.put({ key: 'a', body })
    await store.put({ key: 'b', body })
    expect(seen).toEqual([0, 2])
  })

  test('the same seed fails in the same places', async () => {
    const run = async () => {
      const memory = new MemoryObjectStore({ clock })
      const rates = { error: 0.3, lostReply: 0.3 }
      const store = new FlakyObjectStore(memory, { clock, random: new SeededRandom(7), rates })
      const outcomes: string[] = []
      for (let index = 0; index < 50; index++) {
        const put = store.put({ key: `${index}`, body })
        outcomes.push(
          await put.then(
            () => 'ok',
            (error) => error.code,
          ),
        )
      }
      return { outcomes, keys: memory.keys() }
    }
    const first = await run()
    expect(await run()).toEqual(first)
    expect(new Set(first.outcomes).size).toBeGreaterThan(2)
    expect(first.keys.length).toBeGreaterThan(first.outcomes.filter((one) => one === 'ok').length)
  })

  test('while offline nothing reaches the store', async () => {
    const { memory, store } = flaky([])
    store.setOffline(true)
    await expect(store.put({ key: 'a', body })).rejects.toMatchObject({ code: 'net/offline' })
    store.setOffline(false)
    await store.put({ key: 'b', body })
    expect(memory.keys()).toEqual(['b'])
  })
})
