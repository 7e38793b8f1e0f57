/**
 * The calls about send and receive folders (shared/folder-roles.ts).
 */
import type { EngineHandlers, EngineNews, EngineParsed } from '../../shared/engine-contract.ts'
import { ERRORS, type ErrorCode, PailError, type WireError } from '../../shared/errors.ts'
import {
  type BatchState,
  type FolderRoleView,
  type folderCalls,
  MARKER_NAMES,
  RECEIVED_PATHS_MAX,
} from '../../shared/folder-roles.ts'
import type { FolderRoles, RoleRow } from '../store/folder-roles.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Received } from '../sync/receive-folders.ts'
import type { SendStep } from '../sync/send-plan.ts'
import { localPathOf, nodeAt, placeOf } from './local-paths.ts'
import type { MountSession } from './mount-session.ts'
import type { Volume } from './volume.ts'

/** Folders with a role in one bucket. */
const ROLES_MAX = 100
/** A folder of a million files takes about so long. */
const LEARN_MS_MAX = 10 * 60_000
/** How long the bucket may take to say what is in the folder. */
const LOOK_MS_MAX = 30_000

export type RoleParts = {
  readonly roles: FolderRoles
  readonly sessions: () => Iterable<MountSession>
  readonly tell: (news: EngineNews) => void
  readonly onDidChange: () => void
}

type Found = { readonly session: MountSession; readonly node: NodeRow }

export class RoleHandlers {
  readonly handlers: Pick<EngineHandlers, keyof typeof folderCalls>
  readonly #parts: RoleParts

  constructor(parts: RoleParts) {
    this.#parts = parts
    this.handlers = {
      'folders/set-role': (input) => this.#set(input),
      'folders/clear-role': (input) => this.#clear(input.dir),
      'folders/roles': async () => this.#list(),
      'folders/close-batch': (input) => this.#closeBatch(input),
    }
  }

  /** Told by the paths that programs see, once for each mount that shows the folder. */
  noteReceived(volume: Volume, { folder, ids, bytes }: Received): void {
    for (const session of this.#parts.sessions()) {
      if (session.volume !== volume || session.life !== 'mounted') continue
      const node = volume.tree.nodes.byId(folder)
      const dir = node && localPathOf(session, node)
      if (dir === undefined) continue
      const rows = ids
        .slice(0, RECEIVED_PATHS_MAX)
        .flatMap((id) => volume.tree.nodes.byId(id) ?? [])
      const paths = rows.flatMap((row) => localPathOf(session, row) ?? [])
      this.#parts.tell({
        event: 'folders/received',
        value: { dir, files: ids.length, bytes, paths },
      })
    }
    this.#parts.onDidChange()
  }

  async #set({ dir, role, options }: EngineParsed<'folders/set-role'>): Promise<FolderRoleView> {
    const { session, node } = await this.#folder(dir)
    if (role === 'send' && session.isReadOnly) throw new PailError('vfs/read-only', dir, { dir })
    const { tree, listings } = session.volume
    this.#checkPlace(session, node)
    // A marker that is there already must be known before anything is sent.
    await listings.ensureFresh(node.id, AbortSignal.timeout(LOOK_MS_MAX))
    if (role === 'send') this.#checkMarkers(session, node)
    const isKnown = this.#parts.roles.of(node.id)?.role === role
    if (role === 'receive' && !isKnown) {
      await session.volume.receives.learn(node.id, AbortSignal.timeout(LEARN_MS_MAX))
    }
    const { volume, id } = { volume: tree.volume, id: node.id }
    await tree.change(() =>
      this.#parts.roles.set({ node: id, volume, role, options, sinceMs: tree.clock.nowMs() }),
    )
    this.#reload(session)
    return this.#view(session, this.#roleOf(node.id, dir))
  }

  /** Batches of one folder inside of another would wait for each other. */
  #checkPlace(session: MountSession, node: NodeRow): void {
    const { tree } = session.volume
    const roles = this.#parts.roles.ofVolume(tree.volume)
    if (roles.length >= ROLES_MAX && !roles.some((role) => role.node === node.id)) {
      throw new PailError('input/invalid', `${ROLES_MAX} folders have a role already`)
    }
    const prefix = tree.keyOf(node)
    for (const { node: id } of roles) {
      const other = tree.nodes.byId(id)
      if (!other || other.id === node.id || !isPlaced(session, other)) continue
      const prefixes = [prefix, tree.keyOf(other)]
      if (prefixes.some((one) => prefixes.some((two) => one !== two && one.startsWith(two)))) {
        throw new PailError('folder/role-nested', `${prefix} and ${tree.keyOf(other)}`, {
          other: localPathOf(session, other) ?? tree.keyOf(other),
        })
      }
    }
  }

  /** What a program wrote under a marker's name and what is not in the bucket yet is not ours. */
  #checkMarkers(session: MountSession, node: NodeRow): void {
    const { tree } = session.volume
    for (const name of Object.values(MARKER_NAMES)) {
      const entry = tree.nodes.child(node.id, name)
      if (entry && this.#parts.roles.of(node.id) === undefined && tree.isBusy(entry)) {
        throw new PailError('vfs/exists', `${name} waits for its upload`, { name })
      }
    }
  }

  async #clear(dir: string): Promise<Record<string, never>> {
    const { session, node } = await this.#folder(dir)
    this.#roleOf(node.id, dir)
    await session.volume.tree.change(() => this.#parts.roles.remove(node.id))
    this.#reload(session)
    return {}
  }

  #list(): FolderRoleView[] {
    const views = new Map<number, FolderRoleView>()
    for (const session of this.#parts.sessions()) {
      if (session.life !== 'mounted') continue
      for (const role of this.#parts.roles.ofVolume(session.volume.id)) {
        const node = session.volume.tree.nodes.byId(role.node)
        if (node && localPathOf(session, node) !== undefined && !views.has(role.node)) {
          views.set(role.node, this.#view(session, role))
        }
      }
    }
    return [...views.values()]
  }

  async #closeBatch(input: EngineParsed<'folders/close-batch'>): Promise<FolderRoleView> {
    const { session, node } = await this.#folder(input.dir)
    const { tree, batches, syncer } = session.volume
    const role = this.#roleOf(node.id, input.dir)
    if (role.role !== 'send') throw new PailError('folder/no-role', input.dir, { dir: input.dir })
    if (batches.look(role).step.kind === 'idle') return this.#view(session, role)
    await tree.change(() => this.#parts.roles.setClosing(node.id, true))
    batches.wake()
    const { timeoutMs } = input
    const signal = timeoutMs ? AbortSignal.timeout(timeoutMs) : new AbortController().signal
    await syncer.flush(tree.keyOf(node), signal)
    return this.#view(session, this.#roleOf(node.id, input.dir))
  }

  async #folder(dir: string): Promise<Found> {
    const place = placeOf(this.#parts.sessions(), dir)
    const node = await nodeAt(place, AbortSignal.timeout(LOOK_MS_MAX))
    if (node.kind !== 'directory') throw new PailError('vfs/not-a-directory', dir, { dir })
    return { session: place.session, node }
  }

  #roleOf(node: number, dir: string): RoleRow {
    const role = this.#parts.roles.of(node)
    if (!role) throw new PailError('folder/no-role', dir, { dir })
    return role
  }

  #reload({ volume }: MountSession): void {
    volume.sends.reload()
    volume.receives.reload()
    volume.batches.wake()
    volume.syncer.wake()
    this.#parts.onDidChange()
  }

  #view(session: MountSession, role: RoleRow): FolderRoleView {
    const { tree, bucket } = session.volume
    const node = tree.node(role.node)
    const { files, bytes } = this.#parts.roles.batchOf(role.node)
    return {
      dir: localPathOf(session, node) ?? session.dir,
      bucket,
      prefix: tree.keyOf(node),
      role: role.role,
      options: role.options,
      files,
      bytes,
      ...(role.role === 'send' ? this.#sending(session, role) : this.#receiving(session, role)),
      ...(role.batch > 0
        ? { last: { batch: role.batch, files: role.batchFiles, atMs: role.batchMs } }
        : {}),
    }
  }

  #sending(session: MountSession, role: RoleRow) {
    const { tree, batches, sends } = session.volume
    const { step, error, quietLeftMs } = batches.look(role)
    const held = step.kind === 'held' || error ? this.#heldBy(session, role, error) : undefined
    return {
      state: held ? ('held' as const) : stateOf(step),
      waitingFiles: sends.facts(role).waiting,
      ...(step.kind === 'quiet' ? { endsMs: tree.clock.nowMs() + quietLeftMs } : {}),
      ...(held ? { held } : {}),
    }
  }

  #receiving({ volume: { receives } }: MountSession, role: RoleRow) {
    const waitingFiles = receives.missing(role.node)
    const { files } = this.#parts.roles.batchOf(role.node)
    const state: BatchState = files === 0 ? 'idle' : waitingFiles > 0 ? 'open' : 'quiet'
    return { state, waitingFiles }
  }

  #heldBy(session: MountSession, role: RoleRow, failure: PailError | undefined) {
    const { tree, sends } = session.volume
    const row = sends.failedRow(role)
    const node = row?.node ? tree.nodes.byId(row.node) : undefined
    const path = node ? (localPathOf(session, node) ?? tree.pathOf(node)) : (row?.key ?? '')
    const code = isErrorCode(row?.errorCode) ? row.errorCode : (failure?.code ?? 'internal/bug')
    const detail = row?.errorDetail ?? failure?.detail ?? ''
    const error: WireError = { code, detail, where: {} }
    return { path, error, sentence: ERRORS[code].remedy }
  }
}

function stateOf(step: SendStep): BatchState {
  switch (step.kind) {
    case 'idle':
    case 'quiet':
    case 'held':
      return step.kind
    case 'mark':
      return 'marking'
    case 'withdraw':
      return 'open'
    case 'wait':
      return step.for === 'marker' ? 'marking' : 'open'
  }
}

function isPlaced({ volume: { tree } }: MountSession, node: NodeRow): boolean {
  return node.parent !== null || node.id === tree.rootId
}

function isErrorCode(code: string | null | undefined): code is ErrorCode {
  return code !== null && code !== undefined && code in ERRORS
}
