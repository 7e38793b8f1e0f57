/**
 * Goal: long operations survive a kill at any of their requests, and the next engine finishes them.
 * Method: the same history again and again, killed before and after its first request, its second...
 */
import { describe, expect, test } from 'vitest'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { CopyRequest } from '../../engine/s3/object-store.ts'
import { killAtEveryRequest, type Moment } from './every-request.ts'
import { bytesFor } from './operations.ts'
import { Simulation } from './simulation.ts'
import {
  CHANGED_MEANWHILE,
  CONFLICT,
  objectsBelow,
  REMOVED_TREE,
  renamedDirectory,
  savedThroughTemporaryName,
} from './works.ts'

const MIB = 1024 * 1024
const MOVED_OBJECTS = 40
/** The first moments are all tried, of the later ones, which are much alike, some. */
const ALL_UP_TO = 10
const EVERY = 7

const isSampled = ({ nth }: Moment) => nth <= ALL_UP_TO || nth % EVERY === 0

describe('A renamed directory', () => {
  test('is under its old name, its new name or both at every moment, and moved in the end', async () => {
    const work = { ...renamedDirectory(MOVED_OBJECTS), isTried: isSampled }
    expect(await killAtEveryRequest(work)).toBeGreaterThan(2 * ALL_UP_TO)
  })

  test('takes along what is written in it, and loses what is removed from it, meanwhile', async () => {
    expect(await killAtEveryRequest(CHANGED_MEANWHILE)).toBeGreaterThan(20)
  })

  test('keeps every source while a copy of it is not whole', async () => {
    const objects = objectsBelow('old/', 6)
    const simulation = await Simulation.start({
      seed: 1,
      objects,
      bucket: (clock) => new LyingStore({ clock }),
    })
    try {
      expect(await simulation.paths.rename('old', 'new')).toBe('ok')
      simulation.reference.rename('old', 'new')
      const { bucket, engine } = simulation
      if (!(bucket instanceof LyingStore)) throw new Error('another bucket')
      bucket.isLying = true
      await engine.flush(30_000)
      for (const key of Object.keys(objects)) expect(bucket.keys()).toContain(key)
      bucket.isLying = false
      await simulation.drain('when the server is honest again')
    } finally {
      await simulation.close()
    }
  })
})

/** Says that it has copied, and has stored half of it. */
class LyingStore extends MemoryObjectStore {
  isLying = false

  override async copy(request: CopyRequest, signal?: AbortSignal) {
    const copied = await super.copy(request, signal)
    const whole = this.bytesOf(request.key)
    if (this.isLying && whole) this.putDirect(request.key, whole.subarray(0, whole.length / 2))
    return copied
  }
}

describe('A tree that is removed', () => {
  test('is gone for good wherever the engine is killed, and nothing else is', async () => {
    expect(await killAtEveryRequest(REMOVED_TREE)).toBeGreaterThan(1)
  })
})

describe('A file saved through a temporary name', () => {
  test('replaces the old one whole, by one request, wherever the engine is killed', async () => {
    expect(await killAtEveryRequest(savedThroughTemporaryName(false))).toBe(2)
  })

  test('replaces it whole also when the temporary one was uploaded', async () => {
    expect(await killAtEveryRequest(savedThroughTemporaryName(true))).toBeGreaterThan(4)
  })
})

describe('A conflict', () => {
  test('leaves both versions, each once, wherever the engine is killed', async () => {
    expect(await killAtEveryRequest(CONFLICT)).toBeGreaterThan(4)
  })
})

describe('A file that is removed while it is uploaded', () => {
  for (const [what, sizeBytes] of [
    ['in one request', 5000],
    ['in parts', 20 * MIB],
  ] as const) {
    test(`${what}, stays removed, killed or not, at any request`, async () => {
      for (let nth = 1; nth <= 8; nth++) {
        for (const isKilled of [false, true]) await removeDuring(nth, isKilled, sizeBytes)
      }
    })
  }
})

/** The n-th request of the upload is slow; the file is removed before its reply comes. */
async function removeDuring(nth: number, isKilled: boolean, sizeBytes: number): Promise<void> {
  const simulation = await Simulation.start({ seed: 1, objects: { kept: bytesFor(1, 10) } })
  try {
    const { clock, engine, paths, reference } = simulation
    expect(await paths.write('f', 0, bytesFor(2, sizeBytes), true)).toBe('ok')
    simulation.setScript([{ nth, fault: { kind: 'delay', delayMs: 1000 } }])
    await clock.advance(2500)
    expect(await paths.unlink('f')).toBe('ok')
    if (isKilled) await simulation.kill()
    else await engine.flush()
    reference.unlink('f')
    await simulation.drain(`removed at request ${nth}, ${isKilled ? 'killed' : 'not killed'}`)
  } finally {
    await simulation.close()
  }
}
