/** `pail hygiene DIR`: uploads that others never ended, which are billed and that nothing else shows. */
import type { ForeignUpload } from '../../shared/engine-contract.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, formatCount, printable } from '../format.ts'
import type { World } from '../world.ts'

const LOOK_WAIT_MS = 150_000
const DAY_MS = 24 * 3_600_000

export type HygieneCommand = {
  readonly dir: string
  readonly dataDir: string
  /** Ids to abort; none: they are shown. */
  readonly abort: readonly string[]
}

export async function hygiene(command: HygieneCommand, world: World): Promise<number> {
  const { dir, abort } = command
  const client = await world.connect(command.dataDir)
  try {
    const limit = { timeoutMs: LOOK_WAIT_MS }
    if (abort.length > 0) {
      const { aborted } = await client.call('uploads/abort', { dir, ids: [...abort] }, limit)
      world.print(`${formatCount(aborted, 'upload')} aborted.`)
      return EXIT.ok
    }
    const { uploads, count } = await client.call('uploads/foreign', { dir }, limit)
    for (const line of table(uploads, count, Date.now())) world.print(printable(line))
    return EXIT.ok
  } finally {
    client.close()
  }
}

function table(uploads: readonly ForeignUpload[], count: number, nowMs: number): string[] {
  if (count === 0) return ['No upload of others is open.']
  const bytes = uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const lines = uploads.map(({ key, uploadId, startedMs, sizeBytes }) => {
    const days = Math.max(0, Math.floor((nowMs - startedMs) / DAY_MS))
    return `${formatCount(days, 'day')}  ${formatBytes(sizeBytes)}  ${key}  ${uploadId}`
  })
  const shown = count > uploads.length ? `, the oldest ${uploads.length} shown` : ''
  const head = `${formatCount(count, 'upload')} of others never ended${shown}: ${formatBytes(bytes)}`
  return [head, ...lines, 'Whoever began one may still be at it. Abort with --abort ID.']
}
