/** `pail junk`, as it is typed. */
import type { Command } from 'commander'
import { junk } from './commands/junk.ts'
import type { CommandTools } from './pin-commands.ts'

type Typed = {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  readonly reset?: boolean
  readonly json?: boolean
}

export function addJunkCommand({ world, add, dataDirOf, done }: CommandTools): void {
  add('junk', 'show and change which files of operating systems are never uploaded')
    .option('--add <patterns...>', "one name each; * and ? stand for others, as in '._*'")
    .option('--remove <patterns...>', 'what is there of such names is uploaded')
    .option('--reset', 'the list that Pail comes with')
    .option('--json', 'for programs: { patterns, defaults, localItems }')
    .action(async (typed: Typed, command: Command) => {
      const { add: added = [], remove = [], reset = false, json = false } = typed
      done(await junk({ dataDir: dataDirOf(command), add: added, remove, reset, json }, world))
    })
}
