/**
 * Goal: a clock that is set, by a day or by hours of sleep, stalls nothing and hides nothing.
 * Method: files are written and changed by others around the jump; the volume is told of it as it is by
 *         the watch over sleep, or finds out when it starts.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { secondsText } from '../../engine/sync/object-attributes.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const HOUR_MS = 3600_000
const JUMPS_MS = [24 * HOUR_MS, -24 * HOUR_MS, 16 * 60_000, -16 * 60_000, 8 * HOUR_MS]

async function start() {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const store = new MemoryObjectStore({ clock })
  store.putDirect('d/old', 'old')
  const engine = await BareEngine.start({ store, clock, random: new SeededRandom(1) })
  const paths = new Paths(engine, (work) => clock.until(work))
  await paths.names('d')
  return { clock, store, engine, paths }
}

async function namesIn(paths: Paths): Promise<string[]> {
  return (await paths.names('d')).map(({ name }) => name).sort()
}

describe('A clock that jumps', () => {
  for (const jumpMs of JUMPS_MS) {
    const hours = `${(jumpMs / HOUR_MS).toFixed(1)} h`
    test(`by ${hours} under a running engine: uploads go on, and what others store is seen`, async () => {
      const { clock, store, engine, paths } = await start()
      await paths.write('d/mine', 0, Buffer.from('written before'), true)
      const { mtime } = (await paths.facts('d/mine')).attributes
      clock.jumpWall(jumpMs)
      engine.volume.resumed()
      expect(await engine.flush(60_000)).toMatchObject({ files: 0 })
      expect((await paths.facts('d/mine')).attributes.mtime).toBe(mtime)
      expect(store.stored('d/mine')?.metadata?.mtime).toBe(secondsText(mtime))
      store.putDirect('d/old', 'a newer version')
      store.putDirect('d/theirs', 'theirs')
      await clock.advance(12_000)
      expect(await namesIn(paths)).toEqual(['mine', 'old', 'theirs'])
      expect(Buffer.from(await paths.read('d/old')).toString()).toBe('a newer version')
      await engine.close()
    })

    test(`by ${hours} while the engine was not there: the same`, async () => {
      const { clock, store, engine, paths } = await start()
      await paths.write('d/mine', 0, Buffer.from('written before'), true)
      clock.jumpWall(jumpMs)
      const next = await engine.killed()
      const again = new Paths(next, (work) => clock.until(work))
      expect(await next.flush(60_000)).toMatchObject({ files: 0 })
      store.putDirect('d/theirs', 'theirs')
      await clock.advance(12_000)
      expect(await namesIn(again)).toEqual(['mine', 'old', 'theirs'])
      await next.close()
    })
  }
})
