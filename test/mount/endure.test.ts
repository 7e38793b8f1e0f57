/** The short form of test/soak/endure.ts: work, faults and kills in one folder, all at once. */
import { expect, test } from 'vitest'
import { ENDURE_LIMIT_BYTES, endure } from '../support/endure.ts'
import { startVersitygw } from '../support/versitygw.ts'

const SECOND_MS = 1000

test('Work on a network that fails now and then, under an engine that is killed, loses nothing', async () => {
  const seed = Math.floor(Math.random() * 1e9)
  process.stdout.write(`endure seed ${seed}\n`)
  const server = await startVersitygw()
  try {
    await server.createBucket('endure')
    const figures = await endure({
      ...{ seed, server, bucket: 'endure' },
      ...{ killedMs: 9 * SECOND_MS, killEveryMs: 2 * SECOND_MS, steadyMs: 9 * SECOND_MS },
      ...{ faultEveryMs: 5 * SECOND_MS, faultMs: 2 * SECOND_MS, renamesFolders: false },
    })
    expect(figures.wrong, figures.events.join(', ')).toEqual([])
    expect(figures.kills).toBeGreaterThan(0)
    expect(figures.faults).toBeGreaterThan(0)
    expect(figures.operations).toBeGreaterThan(0)
    expect(figures.cachedBytesMax).toBeLessThanOrEqual(ENDURE_LIMIT_BYTES)
  } finally {
    await server.stop()
  }
})
