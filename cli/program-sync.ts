/**
 * The commands about what is in the bucket and what is not yet: status, refresh, pause, offline,
 * conflicts, wait, retry, doctor, integrate.
 */
import { resolve } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import { conflicts, resolveOne } from './commands/conflicts.ts'
import { doctor } from './commands/doctor.ts'
import { integrate } from './commands/integrate.ts'
import { refresh } from './commands/refresh.ts'
import { retry } from './commands/retry.ts'
import { status } from './commands/status.ts'
import { setPaused, setWorkOffline } from './commands/switches.ts'
import { waitFor } from './commands/wait.ts'
import { addCommand, dataDirOf, parseSeconds, type Run } from './program-parts.ts'

export function addSyncCommands(program: Command, run: Run): void {
  addStatus(program, run)
  addRefresh(program, run)
  addSwitches(program, run)
  addConflicts(program, run)
  addWait(program, run)
  addRetry(program, run)
  addDoctor(program, run)
  addIntegrate(program, run)
}

type JsonOption = { readonly json?: boolean }

/** The absolute path, told early so that an error can name it. */
function pathOf(run: Run, typed: string): string {
  const dir = resolve(run.world.cwd(), typed)
  run.subject = { dir }
  return dir
}

function addStatus(program: Command, run: Run): void {
  addCommand(program, 'status', 'show what is mounted, and what is not in the bucket yet')
    .argument('[path]', 'a file or folder inside a mounted folder: its own state')
    .option('--json', 'for programs: { engine, mounts, sync }; engine is null when none is running')
    .addHelpText(
      'after',
      `
Exit codes: 0 everything saved is in the bucket, 1 something is still to upload, 8 something needs
attention, 9 something is still to upload and rests (offline, or uploads are paused).`,
    )
    .action(async (typed: string | undefined, options: JsonOption, command: Command) => {
      const path = typed === undefined ? undefined : pathOf(run, typed)
      run.exitCode = await status(
        {
          dataDir: dataDirOf(command, run.world),
          json: options.json === true,
          ...(path === undefined ? {} : { path }),
        },
        run.world,
      )
    })
}

function addRefresh(program: Command, run: Run): void {
  addCommand(program, 'refresh', 'list a folder anew: what others stored shows at once')
    .argument('<path>', 'a folder inside a mounted folder, or a file: its folder')
    .action(async (typed: string, _options: object, command: Command) => {
      const path = pathOf(run, typed)
      run.exitCode = await refresh({ dataDir: dataDirOf(command, run.world), path }, run.world)
    })
}

function addSwitches(program: Command, run: Run): void {
  addCommand(program, 'pause', 'pause uploads until pail resume; reading goes on').action(
    async (_options: object, command: Command) => {
      run.exitCode = await setPaused(dataDirOf(command, run.world), true, run.world)
    },
  )
  addCommand(program, 'resume', 'go on with uploads after pail pause').action(
    async (_options: object, command: Command) => {
      run.exitCode = await setPaused(dataDirOf(command, run.world), false, run.world)
    },
  )
  addCommand(program, 'offline', 'work offline: no request to any server until it is off again')
    .addArgument(new Argument('<switch>').choices(['on', 'off']))
    .action(async (wanted: string, _options: object, command: Command) => {
      run.exitCode = await setWorkOffline(dataDirOf(command, run.world), wanted === 'on', run.world)
    })
}

function addConflicts(program: Command, run: Run): void {
  const group = program
    .command('conflicts')
    .description('files that were changed here and in the bucket')
    .addHelpText('after', '\nExit codes: 0 there are none, 8 there are some.')
  addCommand(group, 'list', 'show both versions of each')
    .argument('[folder]', 'inside a mounted folder; everywhere when left out')
    .option('--json', 'for programs')
    .action(async (typed: string | undefined, options: JsonOption, command: Command) => {
      const dir = typed === undefined ? undefined : pathOf(run, typed)
      run.exitCode = await conflicts(
        {
          dataDir: dataDirOf(command, run.world),
          json: options.json === true,
          ...(dir === undefined ? {} : { dir }),
        },
        run.world,
      )
    })
  addCommand(group, 'resolve', 'decide about one')
    .argument('<id or file>', 'the number in the list, or either of the two files')
    .addOption(
      new Option(
        '--keep <which>',
        'mine: replaces the bucket’s version; theirs: the copy goes; both: they stay two files',
      )
        .choices(['mine', 'theirs', 'both'])
        .makeOptionMandatory(),
    )
    .action(
      async (what: string, options: { keep: 'mine' | 'theirs' | 'both' }, command: Command) => {
        const id = /^\d+$/.test(what) ? Number(what) : undefined
        const target = id === undefined ? { path: pathOf(run, what) } : { id }
        const dataDir = dataDirOf(command, run.world)
        run.exitCode = await resolveOne({ dataDir, keep: options.keep, ...target }, run.world)
      },
    )
}

function addWait(program: Command, run: Run): void {
  addCommand(program, 'wait', 'wait until a file is in the bucket, as when a job writes its output')
    .requiredOption('--glob <pattern>', 'path inside a mounted folder; quote it: "out/*.csv"')
    .requiredOption('--timeout <seconds>', 'longest time to wait', parseSeconds)
    .addHelpText('after', '\nPrints what was found. Exit codes: 0 found, 1 the time is over.')
    .action(async (options: { glob: string; timeout: number }, command: Command) => {
      const pattern = pathOf(run, options.glob)
      const dataDir = dataDirOf(command, run.world)
      run.exitCode = await waitFor({ dataDir, pattern, timeoutMs: options.timeout }, run.world)
    })
}

function addRetry(program: Command, run: Run): void {
  addCommand(program, 'retry', 'try again at once what failed or waits')
    .argument('[path]', 'one file or folder; everything when left out')
    .action(async (typed: string | undefined, _options: object, command: Command) => {
      const path = typed === undefined ? undefined : pathOf(run, typed)
      const dataDir = dataDirOf(command, run.world)
      const what = path === undefined ? {} : { path }
      run.exitCode = await retry({ dataDir, ...what }, run.world)
    })
}

function addDoctor(program: Command, run: Run): void {
  addCommand(program, 'doctor', 'check this computer, the data folder and the servers')
    .option('--json', 'for programs: [{ name, verdict, what, todo }]')
    .addHelpText('after', '\nNever prints a secret. Exit codes: 0 nothing failed, 6 something did.')
    .action(async (options: JsonOption, command: Command) => {
      const dataDir = dataDirOf(command, run.world)
      run.exitCode = await doctor({ dataDir, json: options.json === true }, run.world)
    })
}

function addIntegrate(program: Command, run: Run): void {
  program
    .command('integrate')
    .description('show states in a file manager')
    .addArgument(new Argument('<file manager>').choices(['nautilus']))
    .option('--install', 'write the extension for this user')
    .action(async (_which: string, options: { install?: boolean }) => {
      run.exitCode = integrate({ install: options.install === true }, run.world)
    })
}
