/** `pail dismiss`: what was told once about a folder is not shown again. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { HINTS } from '../shared/hints.ts'
import { EXIT } from './exit-codes.ts'
import type { CommandTools } from './pin-commands.ts'
import { ANSWER_WAIT_MS, withEngine } from './with-engine.ts'

export function addDismissCommand({ world, add, dataDirOf, done }: CommandTools): void {
  add('dismiss', 'do not show again what was told about a folder')
    .argument('<folder>', 'as it is mounted')
    .action(async (folder: string, _options: object, command: Command) => {
      const dir = resolve(world.cwd(), folder)
      await withEngine(dataDirOf(command), world, async (client) => {
        const timeout = { timeoutMs: ANSWER_WAIT_MS }
        for (const hint of HINTS) await client.call('hints/dismiss', { dir, hint }, timeout)
      })
      done(EXIT.ok)
    })
}
