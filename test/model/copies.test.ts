/** A copy that the server is to make, when it cannot. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { Etag } from '../../engine/s3/object-store.ts'
import { PailError } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const SOURCE = Uint8Array.from({ length: 9_000 }, (_, at) => 1 + (at % 251))

const A_MINUTE_MS = 60_000

/** A bucket that does not copy, and an engine on it. */
async function startWithout(copy: PailError['code'], get?: PailError['code']) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  bucket.putDirect('source', SOURCE)
  bucket.copy = async () => {
    throw new PailError(copy, 'no copies here')
  }
  const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
  onTestFinished(() => engine.close())
  if (get !== undefined) {
    bucket.get = async () => {
      throw new PailError(get, 'no bytes here')
    }
  }
  const paths = new Paths(engine, (work) => clock.until(work))
  return { bucket, engine, paths, clock }
}

describe('A rename whose copy a try before a crash began', () => {
  test('is no conflict when the server finishes that copy while it is looked at', async () => {
    const clock = new FakeClock(1_800_000_000_000, 12)
    const bucket = new MemoryObjectStore({ clock })
    bucket.putDirect('source', SOURCE)
    const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
    onTestFinished(() => engine.close())
    const paths = new Paths(engine, (work) => clock.until(work))
    const head = bucket.head.bind(bucket)
    let looks = 0
    bucket.head = async (key, signal) => {
      if (key !== 'renamed') return head(key, signal)
      if (++looks === 1) bucket.putDirect('renamed', SOURCE)
      const found = await head(key, signal)
      return looks === 1 ? { ...found, etag: '"unfinished"' as Etag } : found
    }
    expect(await paths.rename('source', 'renamed')).toBe('ok')
    await engine.flush()
    expect(looks).toBeGreaterThan(1)
    expect(bucket.keys()).toEqual(['renamed'])
    expect(bucket.bytesOf('renamed')).toEqual(SOURCE)
  })
})

describe('A copy that the server is to make', () => {
  test('is made of fetched bytes where the server copies nothing', async () => {
    const { bucket, engine, paths } = await startWithout('s3/unsupported')
    expect(await paths.copy('source', 'copy')).toBe('ok')
    expect(await paths.read('copy')).toEqual(SOURCE)
    // The source may go: nothing that was closed depends on it.
    bucket.deleteDirect('source')
    expect((await engine.flush()).files).toBe(0)
    expect(bucket.bytesOf('copy')).toEqual(SOURCE)
  })

  test('is waited for while the server works on it, and nothing is fetched', async () => {
    const clock = new FakeClock(1_800_000_000_000, 12)
    const bucket = new MemoryObjectStore({ clock })
    bucket.putDirect('source', SOURCE)
    const copy = bucket.copy.bind(bucket)
    bucket.copy = async (request, signal) => {
      await clock.sleep(A_MINUTE_MS, signal)
      return copy(request, signal)
    }
    const get = bucket.get.bind(bucket)
    let reads = 0
    bucket.get = (request, signal) => {
      reads++
      return get(request, signal)
    }
    const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
    onTestFinished(() => engine.close())
    const paths = new Paths(engine, (work) => clock.until(work))
    const startedMs = clock.monotonicMs()
    expect(await paths.copy('source', 'copy')).toBe('ok')
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(A_MINUTE_MS)
    expect(bucket.bytesOf('copy')).toEqual(SOURCE)
    expect(reads).toBe(0)
  })

  test('fails where the bytes cannot be had either, and leaves what any failed copy leaves', async () => {
    const { bucket, engine, paths } = await startWithout('auth/denied', 's3/archived')
    expect(await paths.copy('source', 'copy')).toBe('EACCES')
    expect(await paths.read('copy')).toHaveLength(0)
    expect((await engine.flush()).files).toBe(0)
    expect(bucket.bytesOf('copy')).toHaveLength(0)
    expect(bucket.bytesOf('source')).toEqual(SOURCE)
  })

  test('is nothing yet when its program ends without closing it', async () => {
    const { bucket, engine, paths, clock } = await startWithout('s3/unsupported', 'net/offline')
    const { vfs } = engine
    const context = engine.context()
    const work = async () => {
      const id = await paths.find('source')
      const from = { id, ...(await vfs.open(context, id, { read: true, write: false })) }
      const request = { read: false, write: true, mode: 0o644, exclusive: true }
      const made = await vfs.create(context, vfs.root, 'copy', request)
      const to = { id: made.attributes.id, handle: made.handle }
      const places = [
        { ...from, offset: 0 },
        { ...to, offset: 0 },
      ] as const
      expect(await vfs.copyRange(context, ...places, SOURCE.length)).toBe(SOURCE.length)
      for (const handle of [from.handle, to.handle]) await vfs.release(handle)
    }
    await clock.until(work())
    expect((await engine.flush()).files).toBe(0)
    expect(bucket.bytesOf('copy')).toHaveLength(0)
  })

  test('never takes the place of what somebody else has stored there meanwhile', async () => {
    const clock = new FakeClock(1_800_000_000_000, 12)
    const bucket = new MemoryObjectStore({ clock })
    bucket.putDirect('source', SOURCE)
    bucket.putDirect('copy', 'old')
    const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
    onTestFinished(() => engine.close())
    const paths = new Paths(engine, (work) => clock.until(work))
    expect((await paths.names('')).map(({ name }) => name)).toEqual(['copy', 'source'])
    bucket.putDirect('copy', 'theirs')
    expect(await paths.copy('source', 'copy')).toBe('ok')
    await engine.flush()
    expect(new TextDecoder().decode(bucket.bytesOf('copy'))).toBe('theirs')
    const ours = bucket.keys().filter((key) => key.startsWith('copy (conflict'))
    expect(ours).toHaveLength(1)
    expect(bucket.bytesOf(ours[0] ?? '')).toEqual(SOURCE)
  })
})
