/**
 * The parts that need no window, put together: settings, keychain, engine, mounts, status.
 *
 * Keeps: parts are made once, here; nothing else constructs them.
 */
import type { Clock } from '../engine/base/clock.ts'
import type { Log } from '../engine/base/log.ts'
import type { EngineCall, EngineInput, EngineOutput } from '../shared/engine-contract.ts'
import type { FoldersReceived } from '../shared/folder-roles.ts'
import type { StatusView } from '../shared/model.ts'
import type { FileNews } from './archive-notices.ts'
import { Connections } from './connections.ts'
import type { EngineLink } from './engine-link.ts'
import type { Folders } from './folders.ts'
import type { Keychain } from './keychain.ts'
import { MountKeeper } from './mount-keeper.ts'
import type { Settings } from './settings.ts'
import { StatusBoard } from './status-board.ts'
import { EngineSupervisor } from './supervisor.ts'

export type DesktopParts = {
  readonly settings: Settings
  readonly keychain: Keychain
  readonly folders: Folders
  readonly clock: Clock
  readonly log: Log
  readonly newId: () => string
  /** A batch of new files is on this computer. */
  readonly onDidReceive: (received: FoldersReceived) => void
  /** A file could not be had, or came back from an archive. */
  readonly onDidTellOfFiles: (news: FileNews) => void
  readonly connect: (signal: AbortSignal) => Promise<EngineLink>
}

export type Desktop = {
  readonly connections: Connections
  readonly mounts: MountKeeper
  readonly board: StatusBoard
  readonly supervisor: EngineSupervisor
  /** A call that changes something in the engine: the status says so when it resolves. */
  readonly change: <C extends EngineCall>(
    call: C,
    input: EngineInput<C>,
  ) => Promise<EngineOutput<C>>
}

export function createDesktop(parts: DesktopParts): Desktop {
  const { settings, clock, log } = parts
  const supervisor = new EngineSupervisor({
    connect: parts.connect,
    clock,
    onDidStart: (link) => {
      void bringUp(link)
    },
    onDidChangeStatus: (status) => board.setEngineStatus(status),
    onDidReceive: parts.onDidReceive,
    onDidTellOfFiles: parts.onDidTellOfFiles,
    onDidChangeCondition: (condition) => {
      log.write('info', 'engine/condition', { ...condition })
      board.setCondition(condition)
    },
  })
  const connections = new Connections({ ...parts, engine: supervisor })
  const mounts = new MountKeeper({
    ...parts,
    connections,
    engine: supervisor,
    onDidChange: () => board.tell(),
  })
  const board = new StatusBoard({
    clock,
    facts: () => ({ settings: settings.read(), faults: mounts.faults }),
  })

  async function bringUp(link: EngineLink): Promise<void> {
    try {
      const status: StatusView = await link.call('engine/status', {})
      board.setEngineStatus(status)
      await mounts.restore()
    } catch (thrown) {
      // The link closed meanwhile: the supervisor knows, and the next engine is brought up anew.
      log.write('warn', 'engine/bring-up-failed', { error: String(thrown) })
    }
  }
  async function change<C extends EngineCall>(
    call: C,
    input: EngineInput<C>,
  ): Promise<EngineOutput<C>> {
    const output = await supervisor.call(call, input)
    board.setEngineStatus(await supervisor.call('engine/status', {}))
    return output
  }
  return { connections, mounts, board, supervisor, change }
}
