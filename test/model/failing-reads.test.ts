/**
 * Goal: a program waits once for a server that does not answer, and not again for the next read.
 * Method: every request for bytes fails, on a clock that stands still between events.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'

const READ_BYTES = 131_072
/** What a program may wait for a network that makes no progress. */
const WAIT_MS_MAX = 10_000
/** The last one while all else is answered: a page that a proxy puts in the place of large bodies. */
const CODES: readonly ErrorCode[] = [
  's3/busy',
  's3/server',
  's3/bad-reply',
  's3/integrity',
  'net/captive-portal',
]

describe('A file whose bytes cannot be had', () => {
  test.each(CODES)(
    'fails in time with %s, for reads side by side, and then at once',
    async (code) => {
      const clock = new FakeClock(1_800_000_000_000, 12)
      const bucket = new MemoryObjectStore({ clock })
      bucket.putDirect('a', new Uint8Array(3_000_000))
      const random = new SeededRandom(1)
      const store = new FlakyObjectStore(bucket, { clock, random })
      const engine = await BareEngine.start({ store, clock, random })
      const { vfs } = engine
      const context = engine.context()
      const { attributes } = await clock.until(vfs.lookup(context, vfs.root, 'a'))
      store.setScript([{ operation: 'get', fault: { kind: 'error', code } }])
      const { id } = attributes
      const { handle } = await clock.until(vfs.open(context, id, { read: true, write: false }))
      const readBoth = async () => {
        const beganMs = clock.monotonicMs()
        const ends = [0, READ_BYTES].map((offset) =>
          vfs.read(context, { id, handle }, offset, new Uint8Array(READ_BYTES)).then(
            () => 'ok',
            () => 'failed',
          ),
        )
        expect(await clock.until(Promise.all(ends))).toEqual(['failed', 'failed'])
        return clock.monotonicMs() - beganMs
      }
      expect(await readBoth()).toBeLessThanOrEqual(WAIT_MS_MAX)
      expect(await readBoth()).toBeLessThanOrEqual(1_000)
      await vfs.release(handle)
      await engine.close()
    },
  )
})
