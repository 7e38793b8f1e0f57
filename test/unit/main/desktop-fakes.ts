/** What main is made of, in memory: an engine that says what it is told to, a keychain, settings. */
import { silentLog } from '../../../engine/base/log.ts'
import { createDesktop, type Desktop } from '../../../main/desktop.ts'
import type { EngineLink } from '../../../main/engine-link.ts'
import { Folders } from '../../../main/folders.ts'
import type { Keychain } from '../../../main/keychain.ts'
import { emptySettings, type Settings, type SettingsData } from '../../../main/settings.ts'
import type { EngineCall, EngineInput, EngineOutput } from '../../../shared/engine-contract.ts'
import { PailError } from '../../../shared/errors.ts'
import type { MountView, StatusView } from '../../../shared/model.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { syncView } from '../../support/sync-view.ts'

export const SECRET = 'canary-secret-5d1f'
export const CONNECTION = {
  name: 'Lab',
  endpointUrl: 'https://s3.example.org',
  region: 'eu-de',
  accessKeyId: 'AK',
  secretAccessKey: SECRET,
}

export class MemoryKeychain implements Keychain {
  readonly secrets = new Map<string, string>()
  isAvailable = true

  async read(account: string): Promise<string | undefined> {
    this.#assertAvailable()
    return this.secrets.get(account)
  }

  async write(account: string, secret: string): Promise<void> {
    this.#assertAvailable()
    this.secrets.set(account, secret)
  }

  async remove(account: string): Promise<void> {
    this.#assertAvailable()
    this.secrets.delete(account)
  }

  #assertAvailable(): void {
    if (!this.isAvailable) throw new PailError('keychain/unavailable', 'no Secret Service')
  }
}

export class MemorySettings implements Settings {
  data: SettingsData = emptySettings
  isWritable = true

  read(): SettingsData {
    return this.data
  }

  write(data: SettingsData): void {
    if (!this.isWritable) throw new PailError('settings/unwritable', 'disk full')
    this.data = data
  }
}

type Answers = { [C in EngineCall]?: (input: EngineInput<C>) => unknown }

/** One life of an engine. */
export class FakeLink implements EngineLink {
  readonly isShared: boolean
  readonly closed: Promise<string>
  readonly calls: Array<{ readonly call: EngineCall; readonly input: unknown }> = []
  isClosed = false
  readonly #answers: Answers
  #crash: (reason: string) => void = () => {}
  #listener: (status: StatusView) => void = () => {}

  constructor(answers: Answers, isShared = false) {
    this.#answers = answers
    this.isShared = isShared
    this.closed = new Promise((resolve) => {
      this.#crash = resolve
    })
  }

  async call<C extends EngineCall>(call: C, input: EngineInput<C>): Promise<EngineOutput<C>> {
    this.calls.push({ call, input })
    const answer = this.#answers[call]
    if (answer === undefined) throw new PailError('internal/bug', `no answer to ${call}`)
    return (await answer(input)) as EngineOutput<C>
  }

  onDidChangeStatus(listener: (status: StatusView) => void): void {
    this.#listener = listener
  }

  onDidReceive(): void {}

  onDidTellOfFiles(): void {}

  tell(status: StatusView): void {
    this.#listener(status)
  }

  crash(): void {
    this.#crash('the engine ended with code 9')
  }

  close(): void {
    this.isClosed = true
    this.#crash('let go')
  }

  callsOf(call: EngineCall): unknown[] {
    return this.calls.filter((each) => each.call === call).map(({ input }) => input)
  }
}

export function mountView(over: Partial<MountView> = {}): MountView {
  return {
    dir: '/home/ana/Pail/data',
    bucket: 'data',
    prefix: '',
    endpointUrl: CONNECTION.endpointUrl,
    readOnly: false,
    state: 'mounted',
    pendingFiles: 0,
    pendingBytes: 0,
    renamedItems: 0,
    errors: [],
    ...over,
  }
}

export function statusView(mounts: readonly MountView[] = []): StatusView {
  const engine = { pid: 7, version: '0.1.0', startedMs: 0, dataDir: '/d', residentBytes: 1 }
  return { engine, mounts: [...mounts], sync: syncView() }
}

export type Bench = Desktop & {
  readonly clock: FakeClock
  readonly keychain: MemoryKeychain
  readonly settings: MemorySettings
  readonly folders: Folders
  readonly links: FakeLink[]
  readonly chosen: { dir: string | undefined }
  readonly launched: Array<readonly [string, readonly string[]]>
}

export const WORKING_ENGINE: Answers = {
  'engine/status': () => statusView(),
  'buckets/list': () => [{ name: 'data' }],
  'buckets/probe': () => ({ canList: true }),
  'connections/renew': () => ({ buckets: 1 }),
  'mounts/start': ({ dir, bucket }) => mountView({ dir, bucket }),
  'mounts/stop': ({ dir }) => mountView({ dir, state: 'stopped' }),
  'engine/shutdown': () => ({ pendingFiles: 0 }),
}

/** @param lives the engines in the order in which they are started; the last one repeats */
export function setUpDesktop(lives: readonly Answers[] = [WORKING_ENGINE]): Bench {
  const clock = new FakeClock()
  const keychain = new MemoryKeychain()
  const settings = new MemorySettings()
  const links: FakeLink[] = []
  const launched: Bench['launched'] = []
  const chosen: Bench['chosen'] = { dir: undefined }
  const folders = new Folders({
    home: '/home/ana',
    platform: 'linux',
    askPerson: async () => chosen.dir,
    launch: async (program, argv) => {
      launched.push([program, argv])
    },
  })
  let ids = 0
  const desktop = createDesktop({
    settings,
    keychain,
    folders,
    clock,
    log: silentLog,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    onDidReceive: () => {},
    onDidTellOfFiles: () => {},
    connect: async () => {
      const link = new FakeLink(lives[Math.min(links.length, lives.length - 1)] ?? {})
      links.push(link)
      return link
    },
  })
  return { ...desktop, clock, keychain, settings, folders, links, chosen, launched }
}

export async function failureOf(work: Promise<unknown>): Promise<PailError | undefined> {
  return work.then(
    () => undefined,
    (thrown: unknown) => PailError.from(thrown),
  )
}
