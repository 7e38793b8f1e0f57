/**
 * What a host needs of an engine, and what the engine is given: the seam between the two.
 *
 * Runs in: engine process. A host is whatever carries calls to it: a socket, a message port, the
 * command line in the foreground.
 */
import type { EngineHandlers, EngineNews } from '../../shared/engine-contract.ts'
import type { StatusView } from '../../shared/model.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

export type EngineOptions = {
  /** Real path of the data folder: exists, is private, and is locked by this process. */
  readonly dataDir: string
  readonly version: string
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
}

export interface Engine {
  /**
   * `engine/shutdown` is answered by the process around the engine, which calls `close`.
   * `uploads/flush` without a folder counts everything in the journal, also of folders that were
   * not mounted since this engine started: `pail flush` asks that of an engine without mounts.
   */
  readonly handlers: EngineHandlers
  /**
   * Called at most ten times a second, and after every change of a mount's state.
   *
   * A folder that is not mounted any more stays in `mounts` as `stopped` while something written
   * to it waits for upload, and leaves the list afterwards: an engine without mounts and without
   * pending files may end.
   */
  onDidChangeStatus(listener: (status: StatusView) => void): () => void
  /** Everything else that happens without being asked for. */
  onDidTell(listener: (news: EngineNews) => void): () => void
  /**
   * Unmounts everything in order and closes the database; the journal keeps what is pending.
   * @throws PailError `mount/busy` when a program uses a folder and `force` is not set
   */
  close(options: { readonly force: boolean }): Promise<{ readonly pendingFiles: number }>
}

export type CreateEngine = (options: EngineOptions) => Promise<Engine>
