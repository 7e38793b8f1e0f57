/**
 * The app's hold on an engine, whichever way it runs: in our utility process, or on its own.
 *
 * Keeps: every call ends: with its reply, or with `engine/stopped` when the engine is gone.
 */
import type { EngineClient } from '../engine/mounts/client.ts'
import type { EngineCall, EngineInput, EngineOutput } from '../shared/engine-contract.ts'
import type { FoldersReceived } from '../shared/folder-roles.ts'
import type { StatusView } from '../shared/model.ts'

import type { FileNews } from './archive-notices.ts'

export interface EngineCaller {
  call<C extends EngineCall>(call: C, input: EngineInput<C>): Promise<EngineOutput<C>>
}

export interface EngineLink extends EngineCaller {
  /** True when the engine belongs to somebody else and outlives this app. */
  readonly isShared: boolean
  onDidChangeStatus(listener: (status: StatusView) => void): void
  onDidReceive(listener: (received: FoldersReceived) => void): void
  /** Files that a program could not have, and files that came back from an archive. */
  onDidTellOfFiles(listener: (news: FileNews) => void): void
  /** Resolves once, with the reason, when the engine is gone or let go of. Never rejects. */
  readonly closed: Promise<string>
  /** Lets go of the engine: one of our own is told to end, a shared one goes on. */
  close(): void
}

export type LinkOwnership = {
  readonly isShared: boolean
  readonly close: () => void
}

export function linkOver(client: EngineClient, { isShared, close }: LinkOwnership): EngineLink {
  return {
    isShared,
    close,
    call: (call, input) => client.call(call, input),
    onDidChangeStatus: (listener) => {
      client.on('status/changed', listener)
    },
    onDidReceive: (listener) => {
      client.on('folders/received', listener)
    },
    onDidTellOfFiles: (listener) => {
      client.on('files/restored', (value) => listener({ event: 'files/restored', value }))
      client.on('files/unavailable', (value) => listener({ event: 'files/unavailable', value }))
    },
    closed: new Promise((resolve) => {
      client.onDidClose((reason) => resolve(reason.detail))
    }),
  }
}
