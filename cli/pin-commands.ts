/** The commands about what is kept on this computer. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type PinCommand, pin, pins } from './commands/pins.ts'
import type { World } from './world.ts'

export type CommandTools = {
  readonly world: World
  readonly add: (name: string, description: string) => Command
  readonly dataDirOf: (command: Command) => string
  readonly done: (exitCode: number) => void
}

export function addPinCommands(tools: CommandTools): void {
  const { world, add, dataDirOf, done } = tools
  const setPins = async (typed: string[], mode: PinCommand['mode'], command: Command) => {
    const paths = typed.map((path) => resolve(world.cwd(), path))
    done(await pin({ dataDir: dataDirOf(command), paths, mode }, world))
  }
  add('pin', 'keep files and folders on this computer, with all that will be in them')
    .argument('<paths...>', 'in mounted folders')
    .option('--exclude', 'leave these out of a folder that is kept')
    .action(async (typed: string[], options: { exclude?: boolean }, command: Command) => {
      await setPins(typed, options.exclude === true ? 'excluded' : 'pinned', command)
    })
  add('unpin', 'let files and folders go when room is needed')
    .argument('<paths...>', 'what was given to pail pin')
    .action(async (typed: string[], _options: object, command: Command) => {
      await setPins(typed, 'none', command)
    })
  add('pins', 'show what is kept on this computer, and how much of it is here')
    .option('--json', 'for programs: { pins, total, check }')
    .option('--check', 'ready for a flight? Reads every block, fetches what is missing; 1 if not')
    .action(async (options: { json?: boolean; check?: boolean }, command: Command) => {
      const flags = { json: options.json === true, check: options.check === true }
      done(await pins({ dataDir: dataDirOf(command), ...flags }, world))
    })
}
