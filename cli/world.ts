/**
 * Everything a command needs from outside, so that tests can give it something else.
 */
import type { Clock } from '../engine/base/clock.ts'
import type { EngineClient } from '../engine/mounts/client.ts'
import type { LeftBehind } from '../engine/mounts/left-behind.ts'
import type { EngineInput } from '../shared/engine-contract.ts'
import type { MountView } from '../shared/model.ts'
import type { KeySource } from './keys.ts'

export type MountInput = EngineInput<'mounts/start'>

export type ForegroundOptions = {
  readonly dataDir: string
  readonly input: MountInput
  readonly onMounted: (view: MountView) => void
  /** What stayed behind in the journal when the engine ended. */
  readonly onLeft: (pendingFiles: number) => void
}

export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly keychain: KeySource
  cwd(): string
  print(line: string): void
  complain(line: string): void
  /** @throws PailError `engine/not-running` */
  connect(dataDir: string): Promise<EngineClient>
  /** Connects to the engine of this data folder, starting it in the background when there is none. */
  connectOrStart(dataDir: string): Promise<EngineClient>
  /** What an engine that is gone did not bring into the bucket, and the folders that it served. */
  leftBehind(dataDir: string): Promise<LeftBehind | undefined>
  /** True when an engine ever worked in this data folder. */
  hasData(dataDir: string): boolean
  /** Runs the engine in this process until the folder is unmounted; @returns the exit code */
  runForeground(options: ForegroundOptions): Promise<number>
  /** Copies a file of integrations/ to where another program finds it. */
  installIntegration(name: string, path: string): void
  /** Takes away a mount whose engine died; false when there is none. */
  cleanStaleMount(dir: string): Promise<boolean>
}
