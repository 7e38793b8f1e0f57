/** `pail restore`, as it is typed. */
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import {
  RESTORE_DAYS_DEFAULT,
  RESTORE_DAYS_MAX,
  RESTORE_TIERS,
  type RestoreTier,
} from '../shared/archive.ts'
import { restore } from './commands/restore.ts'
import type { CommandTools } from './pin-commands.ts'

type Typed = {
  readonly days: number
  readonly tier?: RestoreTier
  readonly list?: boolean
  readonly json?: boolean
}

export function addRestoreCommand({ world, add, dataDirOf, done }: CommandTools): void {
  add('restore', 'have archived files brought back, so that they can be read for some days')
    .argument('[paths...]', 'files, or folders with all archived files in them')
    .option('--days <n>', 'how long they can be read', daysOf, RESTORE_DAYS_DEFAULT)
    .option('--tier <tier>', `${RESTORE_TIERS.join(', ')}: what the archive offers`, tierOf)
    .option('--list', 'what was asked for, and how far it is')
    .option('--json', 'for programs')
    .action(async (paths: string[], typed: Typed, command: Command) => {
      const { days, tier, list = false, json = false } = typed
      const absolute = paths.map((path) => resolve(world.cwd(), path))
      const wish = { days, ...(tier === undefined ? {} : { tier }) }
      const asked = { dataDir: dataDirOf(command), paths: absolute, list, json, ...wish }
      done(await restore(asked, world))
    })
}

function daysOf(text: string): number {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= RESTORE_DAYS_MAX) return days
  throw new InvalidArgumentError(`A number from 1 to ${RESTORE_DAYS_MAX}.`)
}

function tierOf(text: string): RestoreTier {
  const tier = RESTORE_TIERS.find((known) => known.toLowerCase() === text.toLowerCase())
  if (tier) return tier
  throw new InvalidArgumentError(`One of ${RESTORE_TIERS.join(', ')}.`)
}
