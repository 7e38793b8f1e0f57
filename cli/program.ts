/**
 * The commands and options of `pail`, and what happens when one fails.
 *
 * Keeps: a failure is one line on stderr and an exit code; a stack only with PAIL_DEBUG.
 */
import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { PailError } from '../shared/errors.ts'
import { MARKERS, type Marker, QUIET_MS_MAX } from '../shared/folder-roles.ts'
import { redactText } from '../shared/redact.ts'
import { VERSION } from '../shared/version.ts'
import { addBudgetCommand } from './budget-command.ts'
import { addCacheCommand } from './cache-command.ts'
import { deletes } from './commands/deletes.ts'
import { flush } from './commands/flush.ts'
import { hygiene } from './commands/hygiene.ts'
import { mount } from './commands/mount.ts'
import { receive } from './commands/receive.ts'
import { checkSend, send } from './commands/send.ts'
import { unmount } from './commands/unmount.ts'
import { addDismissCommand } from './dismiss-command.ts'
import { EXIT, exitCodeFor } from './exit-codes.ts'
import { addJunkCommand } from './junk-command.ts'
import type { MountOptions } from './mount-request.ts'
import { addPinCommands, type CommandTools } from './pin-commands.ts'
import {
  addCommand,
  DATA_DIR_HELP,
  dataDirOf,
  parseKeyBytes,
  parseSeconds,
  type Run,
} from './program-parts.ts'
import { addSyncCommands } from './program-sync.ts'
import { addRestoreCommand } from './restore-command.ts'
import { describeError, type Subject } from './sentences.ts'
import type { World } from './world.ts'

const EXAMPLES = `
Keys come from --passwd-file, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from a
connection stored with the app; never from an argument.

Examples:
  $ pail mount results ~/results --endpoint https://s3.eu-de.example.com --passwd-file ~/.passwd-s3fs
  $ pail mount results:/2026/run-7 ~/run-7 --endpoint https://s3.eu-de.example.com --read-only
  $ pail mount results -o url=https://s3.eu-de.example.com ~/results -o passwd_file=~/.passwd-s3fs
  $ pail status
  $ pail flush --wait --timeout 600 && pail unmount ~/results
  $ pail send ~/results/inbox --marker manifest --quiet 30
  $ pail status ~/results/2026/run-7
  $ pail wait --glob "$HOME/results/out/*.csv" --timeout 3600

Exit codes:
  0 done   1 not everything is in the bucket, or on this computer (pins --check), yet
  2 wrong input   3 keys   4 server or network   5 local folder   6 this computer   7 no engine
  8 something needs attention   9 something is still to upload and rests (offline, paused)
  70 a defect of Pail`

/** Runs one command line, without the program's own name. @returns the exit code */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  const run: Run = { world, subject: {}, exitCode: EXIT.ok }
  const program = buildProgram(run)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return run.exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return reportUsage(thrown, world)
    return reportError(thrown, run)
  }
}

function buildProgram(run: Run): Command {
  const { world } = run
  const program = new Command('pail')
    .description('Mounts S3-compatible buckets as ordinary folders.')
    .version(VERSION, '-V, --version')
    .option('--data-dir <folder>', DATA_DIR_HELP)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.print(text.trimEnd()),
      // Reported once, as one line, by reportUsage.
      writeErr: () => {},
    })
  addMount(program, run)
  addUnmount(program, run)
  addFlush(program, run)
  addDeletes(program, run)
  addHygiene(program, run)
  addSend(program, run)
  addReceive(program, run)
  const tools: CommandTools = {
    world,
    add: (name, description) => addCommand(program, name, description),
    dataDirOf: (command) => dataDirOf(command, world),
    done: (exitCode) => {
      run.exitCode = exitCode
    },
  }
  addPinCommands(tools)
  addJunkCommand(tools)
  addCacheCommand(tools)
  addBudgetCommand(tools)
  addRestoreCommand(tools)
  addDismissCommand(tools)
  addSyncCommands(program, run)
  return program
}

function addMount(program: Command, run: Run): void {
  addCommand(program, 'mount', 'mount a bucket, or a path in it, on a folder')
    .argument('<bucket>', 'BUCKET or BUCKET:/SUBPATH')
    .argument('<folder>', 'an empty folder')
    .option('--endpoint <url>', 'address of the S3 server')
    .option('--region <region>', 'region requests are signed for (default: the one in the address)')
    .option('--passwd-file <file>', 'file with ACCESS:SECRET or BUCKET:ACCESS:SECRET, mode 600')
    .option('--read-only', 'refuse every change')
    .option('--allow-other', 'let other users of this computer in, as modes and owners allow')
    .addOption(
      new Option('--attributes <which>', 'mode, owner and links of other tools: as listed, or all')
        .choices(['listing', 'all'])
        .default('listing'),
    )
    .option('--sync-xattrs', 'keep extended attributes in the bucket, too')
    .option('--max-key-bytes <n>', 'for a server that takes longer keys than S3', parseKeyBytes)
    .option('-f, --foreground', 'stay until the folder is unmounted')
    .option('--no-confirm-deletes', 'never ask before deleting very many objects at once')
    .option('--create', 'make the folder when it is missing')
    .option(
      '-o, --option <options>',
      'options as s3fs spells them: url=…,passwd_file=…,ro,allow_other',
      collect,
    )
    .action(async (source: string, dir: string, options: MountOptions, command: Command) => {
      const onSubject = (subject: Subject) => {
        run.subject = subject
      }
      const dataDir = dataDirOf(command, run.world)
      run.exitCode = await mount({ source, dir, dataDir, options, onSubject }, run.world)
    })
}

function addUnmount(program: Command, run: Run): void {
  addCommand(program, 'unmount', 'unmount a folder; uploads go on in the background')
    .alias('umount')
    .argument('<folder>', 'the mounted folder')
    .option('--force', 'detach at once although programs use the folder')
    .action(async (typed: string, options: { force?: boolean }, command: Command) => {
      const dir = resolve(run.world.cwd(), typed)
      run.subject = { dir }
      const dataDir = dataDirOf(command, run.world)
      run.exitCode = await unmount({ dir, dataDir, force: options.force === true }, run.world)
    })
}

function addDeletes(program: Command, run: Run): void {
  addCommand(program, 'deletes', 'answer for objects that were removed in great number')
    .argument('<folder>', 'the mounted folder')
    .option('--allow', 'delete them in the bucket')
    .option('--undo', 'keep them: they come back into the folder')
    .action(
      async (typed: string, options: { allow?: boolean; undo?: boolean }, command: Command) => {
        const dir = resolve(run.world.cwd(), typed)
        run.subject = { dir }
        const dataDir = dataDirOf(command, run.world)
        const { allow = false, undo = false } = options
        run.exitCode = await deletes({ dir, dataDir, allow, undo }, run.world)
      },
    )
}

function addHygiene(program: Command, run: Run): void {
  addCommand(
    program,
    'hygiene',
    'uploads that other programs began and never ended: they are billed',
  )
    .argument('<folder>', 'the mounted folder')
    .option('--abort <id>', 'abort the upload of this id; may be given again', collect)
    .action(async (typed: string, options: { abort?: readonly string[] }, command: Command) => {
      const dir = resolve(run.world.cwd(), typed)
      run.subject = { dir }
      const dataDir = dataDirOf(command, run.world)
      run.exitCode = await hygiene({ dir, dataDir, abort: options.abort ?? [] }, run.world)
    })
}

function addFlush(program: Command, run: Run): void {
  addCommand(program, 'flush', 'exit with 0 only when everything is in the bucket')
    .argument('[folder]', 'one mounted folder; all of them when left out')
    .option('--wait', 'wait until everything is in the bucket')
    .option('--timeout <seconds>', 'longest time to wait', parseSeconds)
    .action(
      async (
        typed: string | undefined,
        options: { wait?: boolean; timeout?: number },
        command: Command,
      ) => {
        const dir = typed === undefined ? undefined : resolve(run.world.cwd(), typed)
        if (dir !== undefined) run.subject = { dir }
        run.exitCode = await flush(
          {
            dataDir: dataDirOf(command, run.world),
            wait: options.wait === true,
            ...(dir === undefined ? {} : { dir }),
            ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
          },
          run.world,
        )
      },
    )
}

type SendOptions = {
  readonly marker?: Marker
  readonly quiet?: number
  readonly now?: boolean
  readonly off?: boolean
  readonly timeout?: number
}

function addSend(program: Command, run: Run): void {
  addCommand(program, 'send', 'mark a folder whose files are uploaded first, and a marker last')
    .argument('[folder]', 'a folder inside a mounted one; all send folders when left out')
    .addOption(new Option('--marker <kind>', '_READY or _MANIFEST.json').choices(MARKERS))
    .option('--quiet <seconds>', 'a batch ends when nothing is written for so long', parseQuiet)
    .option('--now', 'end the batch now, and wait until its marker is in the bucket')
    .option('--timeout <seconds>', 'longest time to wait', parseSeconds)
    .option('--off', 'make it an ordinary folder again')
    .action(async (typed: string | undefined, options: SendOptions, command: Command) => {
      const dir = typed === undefined ? undefined : resolve(run.world.cwd(), typed)
      if (dir !== undefined) run.subject = { dir }
      const wanted = {
        dataDir: dataDirOf(command, run.world),
        now: options.now === true,
        off: options.off === true,
        ...(dir === undefined ? {} : { dir }),
        ...(options.marker === undefined ? {} : { marker: options.marker }),
        ...(options.quiet === undefined ? {} : { quietMs: options.quiet }),
        ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
      }
      checkSend(wanted)
      run.exitCode = await send(wanted, run.world)
    })
}

function addReceive(program: Command, run: Run): void {
  addCommand(program, 'receive', 'mark a folder whose new files are fetched by themselves')
    .argument('[folder]', 'a folder inside a mounted one; all receive folders when left out')
    .option('--off', 'make it an ordinary folder again')
    .action(async (typed: string | undefined, options: { off?: boolean }, command: Command) => {
      const dir = typed === undefined ? undefined : resolve(run.world.cwd(), typed)
      if (dir !== undefined) run.subject = { dir }
      const dataDir = dataDirOf(command, run.world)
      const wanted = { dataDir, off: options.off === true, ...(dir === undefined ? {} : { dir }) }
      if (wanted.off && dir === undefined) throw new PailError('input/invalid', 'name the folder')
      run.exitCode = await receive(wanted, run.world)
    })
}

function parseQuiet(text: string): number {
  const seconds = Number(text)
  if (text.trim() === '' || !(seconds >= 0 && seconds * 1000 <= QUIET_MS_MAX)) {
    throw new InvalidArgumentError(`write seconds, from 0 to ${QUIET_MS_MAX / 1000}`)
  }
  return Math.round(seconds * 1000)
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** Help and version were asked for and are printed already. */
function reportUsage(error: CommanderError, world: World): number {
  if (error.exitCode === 0) return EXIT.ok
  const isHelp = error.code === 'commander.help'
  const what = isHelp ? 'A command is missing' : error.message.replace(/^error: /, '')
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}`.replace(/[.\s]*$/, '.')
  world.complain(`pail: ${redactText(sentence.replace(/\s+/g, ' '))} See pail --help.`)
  return EXIT.usage
}

function reportError(thrown: unknown, run: Run): number {
  const error = PailError.from(thrown)
  run.world.complain(`pail: ${describeError(error, run.subject)}`)
  if (run.world.environment.PAIL_DEBUG) run.world.complain(redactText(error.stack ?? ''))
  return exitCodeFor(error.code)
}
