import { describe, expect, test } from 'vitest'
import { DELETE_ROUNDS_MAX, deleteKeys } from '../../../engine/sync/batch-delete.ts'
import { PailError } from '../../../shared/errors.ts'
import { makeWorld, type World } from './upload-world.ts'

function fill(world: World, count: number) {
  const keys = Array.from({ length: count }, (_, i) => `folder/file ${i}`)
  for (const key of keys) world.memory.putDirect(key, key)
  return keys
}

function run(world: World, keys: readonly string[], signal = new AbortController().signal) {
  const { store, requests, clock, random } = world
  return clock.until(deleteKeys({ store, requests, clock, random, signal }, keys))
}

describe('Deletes', () => {
  test('a thousand keys are one request, 2,500 are three', async () => {
    for (const [count, requests] of [
      [1000, 1],
      [2500, 3],
    ] as const) {
      const world = makeWorld()
      const keys = fill(world, count)
      world.memory.putDirect('kept', 'x')
      const results = await run(world, keys)
      expect(world.memory.requests()).toEqual({ deleteBatch: requests })
      expect(results.map(({ key }) => key)).toEqual(keys)
      expect(results.filter(({ error }) => error)).toEqual([])
      expect(world.memory.keys()).toEqual(['kept'])
    }
  })

  test('one key is one DELETE, none is no request, one named twice is deleted once', async () => {
    const world = makeWorld()
    const [key = ''] = fill(world, 1)
    expect(await run(world, [])).toEqual([])
    expect(await run(world, [key, key])).toEqual([{ key }])
    expect(world.memory.requests()).toEqual({ delete: 1 })
  })

  test('keys go one by one when the server knows no batches', async () => {
    const world = makeWorld()
    const keys = fill(world, 30)
    world.faults.next = ({ name }) => (name === 'deleteBatch' ? 's3/unsupported' : undefined)
    const results = await run(world, keys)
    expect(results.every(({ error }) => !error)).toBe(true)
    expect(world.memory.keys()).toEqual([])
    expect(world.calls.filter(({ name }) => name === 'deleteBatch')).toHaveLength(1)
  })

  test('keys that XML cannot carry are deleted by requests of their own', async () => {
    const world = makeWorld()
    const odd = ['bell\u0007', 'line\r\nend', 'last\uffff']
    const keys = [...fill(world, 10), ...odd]
    for (const key of odd) world.memory.putDirect(key, key)
    let batched: readonly unknown[] = []
    world.faults.next = ({ name, args }) => {
      if (name === 'deleteBatch') batched = args[0] as readonly unknown[]
      return undefined
    }
    await run(world, keys)
    expect(world.memory.keys()).toEqual([])
    expect(world.memory.requests()).toEqual({ deleteBatch: 1, delete: 3 })
    expect(batched).not.toEqual(expect.arrayContaining(odd))
  })

  test('each key has its own result; what may pass is asked for again, what is refused is not', async () => {
    const world = makeWorld()
    const keys = fill(world, 10)
    let round = 0
    world.faults.next = ({ name, args }) => {
      if (name !== 'deleteBatch') return undefined
      return async (act) => {
        round++
        const asked = args[0] as string[]
        if (round > 1) expect(asked).toEqual(['folder/file 3', 'folder/file 5'])
        await act()
        world.memory.putDirect('folder/file 1', 'refused')
        if (round > 1) return []
        return [
          { key: 'folder/file 1', code: 'AccessDenied', message: 'no' },
          { key: 'folder/file 2', code: 'NoSuchKey', message: 'gone' },
          { key: 'folder/file 3', code: 'InternalError', message: 'sorry' },
          { key: 'folder/file 4', code: 'Whatever', message: 'no' },
          { key: 'folder/file 5', code: 'SlowDown', message: 'busy' },
        ]
      }
    }
    const results = await run(world, keys)
    expect(round).toBe(2)
    const failed = results.flatMap(({ key, error }) => (error ? [[key, error.code]] : []))
    expect(failed).toEqual([
      ['folder/file 1', 'auth/denied'],
      ['folder/file 4', 's3/rejected'],
    ])
  })

  test('a key that stays busy is given up after a few rounds, with its reason', async () => {
    const world = makeWorld()
    const keys = fill(world, 3)
    const busy = ['folder/file 1', 'folder/file 2']
    world.faults.next = () => async () =>
      busy.map((key) => ({ key, code: 'SlowDown', message: '' }))
    const results = await run(world, keys)
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, 's3/busy', 's3/busy'])
    expect(world.calls).toHaveLength(DELETE_ROUNDS_MAX)
    expect(world.clock.pending).toBe(0)
  })

  test('a request that fails for good is the reason of its keys alone', async () => {
    const world = makeWorld()
    const keys = fill(world, 2000)
    world.faults.next = ({ args }) =>
      (args[0] as string[]).includes('folder/file 1500') ? 'auth/denied' : undefined
    const results = await run(world, keys)
    expect(results.slice(0, 1000).every(({ error }) => !error)).toBe(true)
    expect(results.slice(1000).every(({ error }) => error?.code === 'auth/denied')).toBe(true)
    expect(world.memory.keys()).toHaveLength(1000)
  })

  test('a lost reply is made good by asking again', async () => {
    const world = makeWorld()
    const keys = fill(world, 1500)
    world.faults.next = ({ number }) => (number === 1 ? 'reply-lost' : undefined)
    const results = await run(world, keys)
    expect(results.every(({ error }) => !error)).toBe(true)
    expect(world.memory.keys()).toEqual([])
  })

  test('who is told to stop stops', async () => {
    const world = makeWorld()
    const keys = fill(world, 10)
    const stop = new AbortController()
    world.faults.next = () => async () => {
      stop.abort(new PailError('engine/stopped', 'closing'))
      return new Promise(() => {})
    }
    await expect(run(world, keys, stop.signal)).rejects.toMatchObject({ code: 'engine/stopped' })
    expect([world.requests.running, world.requests.waiting]).toEqual([0, 0])
  })
})
