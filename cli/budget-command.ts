/** `pail budget`, as it is typed. */
import { type Command, InvalidArgumentError } from 'commander'
import { ListsPerMonth } from '../shared/keeping-contract.ts'
import { budget } from './commands/budget.ts'
import type { CommandTools } from './pin-commands.ts'

type Typed = { readonly set?: number; readonly json?: boolean }

export function addBudgetCommand({ world, add, dataDirOf, done }: CommandTools): void {
  add('budget', 'show and change how many requests may go into looking for what others store')
    .argument('[connection]', 'name, address or access key of one; all of them when left out')
    .option('--set <count>', 'list requests a month; 2,000 is what free tiers include', parseCount)
    .option('--json', 'for programs: [{ endpointUrl, accessKeyId, day, month, listsPerMonth, … }]')
    .action(async (connection: string | undefined, typed: Typed, command: Command) => {
      const { set, json = false } = typed
      const wanted = {
        ...(connection === undefined ? {} : { connection }),
        ...(set === undefined ? {} : { listsPerMonth: set }),
      }
      done(await budget({ dataDir: dataDirOf(command), ...wanted, json }, world))
    })
}

function parseCount(text: string): number {
  const count = /^\d{1,3}(,?\d{3})*$|^\d+$/.test(text)
    ? Number(text.replaceAll(',', ''))
    : Number.NaN
  const parsed = ListsPerMonth.safeParse(count)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('Type a whole number up to 100,000,000.')
}
