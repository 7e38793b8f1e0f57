/**
 * A real keychain for tests: gnome-keyring on a private D-Bus, in folders of its own.
 *
 * Keeps: the person's own bus and keychain are never reached; both programs end by their id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const READY_MS = 10_000
const END_MS = 5_000
/** An empty password would make the daemon ask for one. */
const PASSWORD = 'test'

export type Keyring = {
  /** For the environment of whoever shall use this keychain. */
  readonly env: Readonly<Record<string, string>>
  /** The secret of one account; undefined when there is none. */
  lookup(account: string): Promise<string | undefined>
  /** How many secrets of Pail it holds. */
  count(): Promise<number>
  /** Ends the daemon: from now on there is no keychain. */
  stopDaemon(): Promise<void>
  stop(): Promise<void>
}

/** No service folders: nothing else can be started through this bus. */
const busConfig = (folder: string) => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${folder}/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

export async function startKeyring(): Promise<Keyring> {
  const folder = await mkdtemp(join(tmpdir(), 'pail-keyring-'))
  const [dataHome, runtimeDir] = [join(folder, 'data'), join(folder, 'run')]
  await Promise.all([mkdir(dataHome), mkdir(runtimeDir, { mode: 0o700 })])
  const config = join(folder, 'bus.conf')
  await writeFile(config, busConfig(folder))
  const env = {
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus`,
    XDG_RUNTIME_DIR: runtimeDir,
  }
  const bus = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const daemon = await startDaemon(bus, { ...env, XDG_DATA_HOME: dataHome })
  const stop = async () => {
    await end(daemon)
    await end(bus)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilAnswering(env)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    env,
    lookup: (account) => lookup(env, account),
    count: () => count(env),
    stopDaemon: () => end(daemon),
    stop,
  }
}

async function startDaemon(bus: ChildProcess, env: Record<string, string>): Promise<ChildProcess> {
  await Promise.race([once(bus.stdout ?? bus, 'data'), failed(bus, 'dbus-daemon')])
  const daemon = spawn(
    'gnome-keyring-daemon',
    ['--unlock', '--components=secrets', '--foreground'],
    {
      env: { PATH: process.env.PATH ?? '', HOME: env.XDG_DATA_HOME ?? '', ...env },
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  daemon.stdin?.end(PASSWORD)
  return daemon
}

async function failed(child: ChildProcess, name: string): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`${name} ended with ${code}`)
}

/** The daemon takes its name on the bus a moment after it started. */
async function untilAnswering(env: Record<string, string>): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (performance.now() < deadline) {
    const stored = await run(env, ['store', '--label=ready', 'pail-test', 'ready'], 'ready')
    if (stored.code === 0) return
    await sleep(50)
  }
  throw new Error('gnome-keyring does not answer')
}

async function lookup(env: Record<string, string>, account: string): Promise<string | undefined> {
  const found = await run(env, ['lookup', 'service', 'Pail', 'username', account])
  return found.code === 0 ? found.output : undefined
}

async function count(env: Record<string, string>): Promise<number> {
  const found = await run(env, ['search', '--all', 'service', 'Pail'])
  return found.output.split('\n').filter((line) => line.startsWith('[/')).length
}

type Outcome = { readonly code: number; readonly output: string }

async function run(
  env: Record<string, string>,
  args: readonly string[],
  input = '',
): Promise<Outcome> {
  const child = spawn('secret-tool', [...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code: Number(code), output }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(END_MS)])
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await ended
  }
}
