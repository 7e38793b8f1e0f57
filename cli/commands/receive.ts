/** `pail receive [DIR]`: a folder whose new files are fetched by themselves. */
import { FolderOptions, type FolderRoleView } from '../../shared/folder-roles.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, formatCount, printable } from '../format.ts'
import type { World } from '../world.ts'

/** The first look lists everything in the folder. */
const ANSWER_MS = 11 * 60_000

export type ReceiveCommand = {
  readonly dataDir: string
  /** Absent: all receive folders are listed. */
  readonly dir?: string
  readonly off: boolean
}

export async function receive(command: ReceiveCommand, world: World): Promise<number> {
  const client = await world.connect(command.dataDir)
  const answer = { timeoutMs: ANSWER_MS }
  const { dir } = command
  try {
    if (dir === undefined) {
      const roles = await client.call('folders/roles', {}, answer)
      for (const view of roles.filter(({ role }) => role === 'receive')) print(view, world)
    } else if (command.off) {
      await client.call('folders/clear-role', { dir }, answer)
      world.print(`${printable(dir)} is an ordinary folder again.`)
    } else {
      const set = { dir, role: 'receive' as const, options: FolderOptions.parse({}) }
      print(await client.call('folders/set-role', set, answer), world)
    }
    return EXIT.ok
  } finally {
    client.close()
  }
}

function print(view: FolderRoleView, world: World): void {
  world.print(`${printable(view.dir)}: new files are fetched, the newest first.`)
  const last = view.last ? ` The last batch had ${formatCount(view.last.files, 'file')}.` : ''
  const now =
    view.files === 0
      ? 'Nothing new.'
      : `${formatCount(view.files, 'new file')}, ${formatBytes(view.bytes)}, ${view.waitingFiles.toLocaleString('en-US')} of them still to fetch.`
  world.print(`  ${now}${last}`)
}
