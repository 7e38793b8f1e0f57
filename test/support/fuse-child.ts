/**
 * A process that serves a memory file system on a folder, for tests that go through the kernel.
 *
 * Bundled and started by served-folder.ts: `fuse-child DIR`. It talks lines of JSON: a command on standard input, one
 * answer for each on standard output, the first one (`{ "ready": true }`) by itself.
 */
import { createInterface } from 'node:readline'
import { SystemClock } from '../../engine/base/clock.ts'
import { mountFuse } from '../../engine/fuse/mount-linux.ts'
import { CoveredFolder } from '../../engine/mounts/covered-folder.ts'
import { PailError } from '../../shared/errors.ts'
import { MemoryVfs } from './memory-vfs.ts'

export type FuseChildCommand =
  | { readonly do: 'stats' }
  | { readonly do: 'write-remotely'; readonly name: string; readonly content: string }
  | { readonly do: 'remove-remotely'; readonly name: string }
  | { readonly do: 'make-files'; readonly count: number }
  | { readonly do: 'hang'; readonly operation: string }
  | { readonly do: 'fail'; readonly operation: string }
  | { readonly do: 'unmount'; readonly force: boolean }

const HOUR_MS = 3_600_000

const clock = new SystemClock()
const vfs = new MemoryVfs({
  root: 7,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  nowNs: () => clock.nowNs(),
})
const interrupted: string[] = []
const logged: string[] = []

function say(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function serve(dir: string): Promise<void> {
  const folder = process.argv.includes('--lock') ? await CoveredFolder.open(dir) : undefined
  const mount = await mountFuse({
    vfs,
    dir,
    source: 'pail:test-bucket/with, comma',
    readOnly: process.argv.includes('--read-only'),
    clock,
    // So long that whatever a program sees change was told to the kernel.
    entryTimeoutMs: HOUR_MS,
    attrTimeoutMs: HOUR_MS,
    negativeTimeoutMs: HOUR_MS,
    log: { write: (level, event) => level === 'error' && logged.push(event) },
  })
  await folder?.lock()
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    const command = JSON.parse(line) as FuseChildCommand
    obey(command, mount).then(say, (thrown: unknown) =>
      say({ error: PailError.from(thrown).code, detail: String(thrown) }),
    )
  })
  mount.onDidEnd(() => {
    say({ ended: true, openHandles: vfs.openHandles })
    input.close()
    process.stdin.destroy()
  })
  await mount.ready
  say({ ready: true })
}

async function obey(
  command: FuseChildCommand,
  mount: Awaited<ReturnType<typeof mountFuse>>,
): Promise<unknown> {
  switch (command.do) {
    case 'stats':
      return { ...mount.stats(), calls: Object.fromEntries(vfs.calls), interrupted, logged }
    case 'write-remotely':
      return { id: vfs.writeRemotely(command.name, command.content) }
    case 'remove-remotely':
      vfs.removeRemotely(command.name)
      return { done: true }
    case 'make-files':
      for (let index = 0; index < command.count; index++) vfs.writeRemotely(`file-${index}`, 'x')
      return { done: true }
    case 'hang':
      vfs.before = (operation, context) => {
        if (operation === command.operation && context)
          return untilAborted(operation, context.signal)
      }
      return { done: true }
    case 'fail':
      vfs.before = (operation) => {
        if (operation === command.operation) throw new TypeError('a defect on purpose')
      }
      return { done: true }
    case 'unmount':
      await mount.unmount({ force: command.force })
      return { unmounted: true }
  }
}

function untilAborted(operation: string, signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      interrupted.push(operation)
      reject(signal.reason)
    })
  })
}

serve(process.argv[2] ?? '').catch((thrown: unknown) => {
  say({ error: PailError.from(thrown).code, detail: String(thrown) })
  process.exitCode = 1
})
