/** `pail pause`, `pail resume`, `pail offline on|off`: the two switches of a person. */
import { EXIT } from '../exit-codes.ts'
import { ANSWER_WAIT_MS, withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

export async function setPaused(dataDir: string, isPaused: boolean, world: World): Promise<number> {
  const call = isPaused ? 'uploads/pause' : 'uploads/resume'
  await withEngine(dataDir, world, (client) => client.call(call, {}, { timeoutMs: ANSWER_WAIT_MS }))
  world.print(isPaused ? 'Uploads are paused until pail resume.' : 'Uploads go on.')
  return EXIT.ok
}

export async function setWorkOffline(
  dataDir: string,
  isWanted: boolean,
  world: World,
): Promise<number> {
  await withEngine(dataDir, world, (client) =>
    client.call('network/work-offline', { isWanted }, { timeoutMs: ANSWER_WAIT_MS }),
  )
  world.print(
    isWanted
      ? 'Working offline until pail offline off. What is saved waits on this computer.'
      : 'Working online.',
  )
  return EXIT.ok
}
