/** `pail mount BUCKET[:/SUBPATH] DIR`: makes a bucket a folder. */
import { PailError } from '../../shared/errors.ts'
import type { MountView } from '../../shared/model.ts'
import { EXIT } from '../exit-codes.ts'
import { formatCount, formatMounted } from '../format.ts'
import { findKeys } from '../keys.ts'
import { type MountOptions, planMount, withKeys } from '../mount-request.ts'
import type { Subject } from '../sentences.ts'
import type { MountInput, World } from '../world.ts'

/** The engine bounds each request; this bounds the engine. */
const MOUNT_WAIT_MS = 120_000
/** An engine may end by itself between connecting and asking. */
const TRIES_MAX = 3

export type MountCommand = {
  readonly source: string
  readonly dir: string
  readonly dataDir: string
  readonly options: MountOptions
  /** Told early, so that an error can name what it is about. */
  readonly onSubject: (subject: Subject) => void
}

export async function mount(command: MountCommand, world: World): Promise<number> {
  const { environment } = world
  const plan = planMount(command, { cwd: world.cwd(), environment })
  const { dir, bucket, subpath, endpoint } = plan.request
  command.onSubject({ dir, bucket, subpath, endpointUrl: endpoint.url })
  for (const warning of plan.warnings) world.complain(`pail: warning: ${warning}`)
  const { passwordFile } = plan
  const keys = await findKeys(
    { bucket, endpointUrl: endpoint.url, ...(passwordFile ? { passwordFile } : {}) },
    environment,
    world.keychain,
  )
  const input = withKeys(plan, keys)
  if (command.options.foreground === true) return mountHere(command.dataDir, input, world)
  world.print(formatMounted(await mountInBackground(command.dataDir, input, world)))
  return EXIT.ok
}

async function mountInBackground(
  dataDir: string,
  input: MountInput,
  world: World,
): Promise<MountView> {
  for (let tries = 1; ; tries++) {
    const client = await world.connectOrStart(dataDir)
    try {
      return await client.call('mounts/start', input, { timeoutMs: MOUNT_WAIT_MS })
    } catch (thrown) {
      const isGone = PailError.from(thrown).code === 'engine/stopped'
      if (!isGone || tries >= TRIES_MAX) throw thrown
    } finally {
      client.close()
    }
  }
}

function mountHere(dataDir: string, input: MountInput, world: World): Promise<number> {
  return world.runForeground({
    dataDir,
    input,
    onMounted: (view) => world.print(formatMounted(view)),
    onLeft: (pendingFiles) =>
      world.complain(
        `pail: ${formatCount(pendingFiles, 'file')} not uploaded yet: kept in ${dataDir}, uploaded when the bucket is mounted again.`,
      ),
  })
}
