/**
 * One mount from the request to the end: the folder, the prefix, the file system, the kernel.
 *
 * Keeps: the folder is checked, the prefix listed and the journal replayed before the kernel
 *        sees anything; a failed start leaves nothing behind.
 */

import type { EngineParsed } from '../../shared/engine-contract.ts'
import { ERRORS, type ErrorCode, PailError } from '../../shared/errors.ts'
import type { Hint, HintView } from '../../shared/hints.ts'
import type { FoundFiles, MountView } from '../../shared/model.ts'
import {
  MOUNT_TRANSITIONS,
  type MountEvent,
  type MountLife,
  transition,
} from '../../shared/states.ts'
import type { PathState } from '../../shared/sync-model.ts'
import { type FuseMount, mountFuse } from '../fuse/mount-linux.ts'
import { normalizeSubpath } from '../s3/keys.ts'
import { Hints } from '../store/hints.ts'
import type { NodeRow } from '../store/nodes.ts'
import { pendingFigures } from '../store/pending.ts'
import { PinTable } from '../store/pin-table.ts'
import { publicTwinOf } from '../sync/private-endpoint.ts'
import { MountVfs } from '../vfs/mount-vfs.ts'
import { archivedWords, type Missed } from './archived-words.ts'
import { GitHint, hintsOf } from './git-hint.ts'
import { localPathOf } from './local-paths.ts'
import type { MountFolder } from './mount-folders.ts'
import { findRoot } from './mount-root.ts'
import { ProgramNames } from './program-name.ts'
import { stateXattrs } from './state-xattrs.ts'
import { pathOfKey } from './sync-lists.ts'
import type { Stores, Volume } from './volume.ts'

type StartRequest = EngineParsed<'mounts/start'>

/** Rows of "needs attention" that a status carries. */
const ERRORS_SHOWN_MAX = 100

/** Removed files that are named to the person who is asked about all of them. */
const HELD_EXAMPLES_MAX = 5

const MAY_NOT_WRITE =
  'The keys may not write here, so the folder is read-only. Ask for keys that may, or for the right to write.'

export type SessionParts = {
  readonly stores: Stores
  readonly volume: Volume
  readonly request: StartRequest
  /** Real path, checked and empty. */
  readonly dir: string
  readonly folder: Pick<MountFolder, 'unmounted'>
  /** What was in the folder before, and where it is now. */
  readonly found?: FoundFiles
  readonly epoch: bigint
  readonly origin: string
  readonly onDidChange: () => void
  /** A program could not have this file. */
  readonly onDidMiss: (path: string, missed: Missed) => void
  /** Something is to be told about the folder, once. */
  readonly onDidHint: (hint: HintView) => void
  /** What is known of a file, for the attributes `user.pail.*`. */
  readonly stateOf: (row: NodeRow) => PathState
}

export class MountSession {
  readonly dir: string
  readonly prefix: string
  readonly volume: Volume
  /** The directory that the mount shows; 0 before it is found. */
  root = 0
  readonly #parts: SessionParts
  readonly #programs: ProgramNames
  #life: MountLife = 'starting'
  #reason: string | undefined
  #endedByItself = false
  #isEngineEnding = false
  #vfs: MountVfs | undefined
  #fuse: FuseMount | undefined
  #ended: Promise<void> = Promise.resolve()
  #gitHint: GitHint | undefined
  readonly #hintStores: { readonly hints: Hints; readonly pins: PinTable }

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#programs = new ProgramNames(parts.stores.clock)
    this.dir = parts.dir
    this.volume = parts.volume
    this.prefix = normalizeSubpath(parts.request.subpath)
    const { database } = parts.stores
    this.#hintStores = { hints: new Hints(database), pins: new PinTable(database) }
  }

  get isReadOnly(): boolean {
    return this.#parts.request.readOnly
  }

  get life(): MountLife {
    return this.#life
  }

  /** Nobody asked Pail to unmount it. */
  get endedByItself(): boolean {
    return this.#endedByItself
  }

  /** Resolves when the mount is gone, by whatever means, and what was open is sealed. */
  get ended(): Promise<void> {
    return this.#ended
  }

  async start(): Promise<void> {
    try {
      this.volume.rights.open(this.prefix)
      this.root = await findRoot(this.#parts.stores, this.volume, this.prefix)
      await this.#mount(this.root)
      this.#become('mounted')
      this.#gitHint = new GitHint({
        folder: this,
        ...this.#hintStores,
        onDidRaise: this.#parts.onDidHint,
      })
    } catch (thrown) {
      this.#reason = PailError.from(thrown).remedy
      this.#become('failed')
      throw thrown
    }
  }

  /** @throws PailError `mount/busy` when programs use the folder and `force` is not set */
  async stop(force: boolean, { isEngineEnding = false } = {}): Promise<void> {
    if (this.#life !== 'mounted') return
    this.#become('stopping')
    this.#isEngineEnding = isEngineEnding
    try {
      await this.#fuse?.unmount({ force })
    } catch (thrown) {
      this.#isEngineEnding = false
      this.#become('stop-refused')
      throw thrown
    }
    await this.#ended
  }

  view(): MountView {
    const shown = this.#shownState()
    const held = this.#heldDeletes()
    const hints = hintsOf(this, this.#hintStores)
    const { tree, connectivity } = this.volume
    const unshown = tree.nodes.countUnshown(tree.volume, this.prefix)
    const listedMs = tree.nodes.byId(this.root)?.listedMs
    return {
      dir: this.dir,
      bucket: this.volume.bucket,
      prefix: this.prefix,
      endpointUrl: this.volume.endpointUrl,
      readOnly: this.isReadOnly || !this.#isBelieved || !this.volume.rights.mayWrite(this.prefix),
      rights: this.volume.rights.of(this.prefix),
      state: shown.state,
      ...(shown.reason === undefined ? {} : { reason: shown.reason }),
      ...(this.#parts.found ? { found: this.#parts.found } : {}),
      ...pendingFigures(this.volume.syncer.pending(this.prefix)),
      ...(held.count > 0 ? { heldDeletes: { ...held, examples: this.#heldExamples() } } : {}),
      renamedItems: tree.nodes.countRenamed(tree.volume, this.prefix),
      ...(unshown > 0 ? { unshownItems: unshown } : {}),
      connectivity: { state: connectivity.state, sinceMs: connectivity.sinceMs },
      ...(listedMs === undefined || listedMs === 0 ? {} : { listedMs }),
      ...(hints.length > 0 ? { hints } : {}),
      errors: this.#errors(),
    }
  }

  dismissHint(hint: Hint): void {
    this.#hintStores.hints.dismiss(this.dir, hint)
    this.#parts.onDidChange()
  }

  #shownState(): { state: MountView['state']; reason?: string | undefined } {
    if (this.#life !== 'mounted') return { state: this.#life, reason: this.#reason }
    const { finding } = this.#parts.stores.database.trust
    if (finding) return { state: 'read-only-fault', reason: finding.remedy }
    const { connectivity } = this.volume
    if (connectivity.isOnline) return { state: 'mounted', reason: this.#readOnlyReason() }
    const reason = this.#offlineReason()
    const needsKeys = connectivity.state === 'needs-sign-in'
    return { state: needsKeys ? 'needs-sign-in' : 'offline', reason }
  }

  /** @returns how many deletions were answered for */
  async answerDeletes(answer: 'allow' | 'undo'): Promise<number> {
    const { tree, syncer } = this.volume
    const { count } = this.#heldDeletes()
    await tree.change(() => {
      if (answer === 'allow') {
        tree.journal.releaseDeletes(tree.volume, this.prefix, tree.clock.nowMs())
        return
      }
      tree.journal.dropDeletes(tree.volume, this.prefix)
      tree.nodes.outdateListings(tree.volume)
    })
    if (this.root !== undefined) tree.deletions.reset(this.root)
    syncer.wake()
    this.#parts.onDidChange()
    return count
  }

  #heldDeletes(): { count: number; sinceMs: number } {
    const { tree } = this.volume
    return tree.journal.heldDeletes(tree.volume, this.prefix)
  }

  /** Paths below the folder. */
  #heldExamples(): string[] {
    const { tree } = this.volume
    const keys = tree.journal.heldKeys(tree.volume, this.prefix, HELD_EXAMPLES_MAX)
    return keys.map((key) => pathOfKey(key.slice(this.prefix.length)))
  }

  #readOnlyReason(): string | undefined {
    const isChosen = this.#parts.request.readOnly
    return isChosen || this.volume.rights.mayWrite(this.prefix) ? undefined : MAY_NOT_WRITE
  }

  get #isBelieved(): boolean {
    return !this.#parts.stores.database.trust.isEnded
  }

  /** A program that is refused makes us look whether the keys may write by now. */
  #mayWrite(): boolean {
    if (!this.#isBelieved) return false
    const mayWrite = this.volume.rights.mayWrite(this.prefix)
    if (!mayWrite) this.volume.rights.recheck(this.prefix)
    return mayWrite
  }

  #offlineReason(): string | undefined {
    const { connectivity, endpointUrl } = this.volume
    if (connectivity.state !== 'offline') return connectivity.refusal?.remedy
    const twin = publicTwinOf(endpointUrl)
    const advice =
      twin === undefined
        ? ''
        : ` This address is a private one; from outside of that network, use ${twin}.`
    return `${endpointUrl} does not answer. What is on this computer still opens, and what is saved waits here until it does.${advice}`
  }

  #errors(): MountView['errors'] {
    if (!this.#isBelieved) return []
    const { tree } = this.volume
    return tree.journal
      .failed(tree.volume, ERRORS_SHOWN_MAX)
      .filter((row) => row.key.startsWith(this.prefix) && isErrorCode(row.errorCode))
      .map((row) => {
        const code = isErrorCode(row.errorCode) ? row.errorCode : 'internal/bug'
        const node = row.node === null ? undefined : tree.nodes.byId(row.node)
        return {
          path: node ? tree.pathOf(node) : row.key,
          code,
          sentence: ERRORS[code].remedy,
          atMs: row.errorMs ?? 0,
        }
      })
  }

  #become(event: MountEvent): void {
    this.#life = transition(MOUNT_TRANSITIONS, this.#life, event)
    this.#parts.onDidChange()
  }

  async #mount(root: number): Promise<void> {
    const { stores, volume, request, origin, epoch } = this.#parts
    if (request.syncXattrs) volume.tree.syncsXattrs = true
    const vfs = new MountVfs({
      tree: volume.tree,
      listings: volume.listings,
      contents: volume.contents,
      clock: stores.clock,
      root,
      isReadOnly: request.readOnly,
      mayWrite: () => this.#mayWrite(),
      asksBeforeMassDeletion: request.confirmDeletes,
      origin,
      epoch,
      space: () => stores.staging.space(),
      isOnline: () => volume.connectivity.isOnline,
      folders: volume.folders,
      onDidMiss: (id, code) => this.#noteMiss(id, code),
      onDidFetch: (id, pid, bytes) => this.#noteFetched(id, pid, bytes),
      isOutOfReach: (row) =>
        row.kind === 'directory'
          ? volume.restores.isOutOfReachBelow(row)
          : volume.restores.isOutOfReach(row),
      attributes: volume.attributes,
      wantsAllAttributes: request.attributes === 'all',
      keyBytesMax: request.keyBytesMax,
      programOf: (pid) => this.#programs.of(pid),
      virtualXattrs: stateXattrs(this.#parts.stateOf),
      onDidReadWhole: (id) => volume.siblings.noteRead(id),
    })
    const fuse = await mountFuse({
      vfs,
      dir: this.dir,
      source: `pail:${volume.bucket}${this.prefix === '' ? '' : `/${this.prefix.slice(0, -1)}`}`,
      readOnly: request.readOnly,
      allowOther: request.allowOther,
      log: stores.log,
      clock: stores.clock,
    })
    this.#vfs = vfs
    this.#fuse = fuse
    this.#ended = new Promise((resolve) => {
      fuse.onDidEnd(() => {
        this.#onEnd().then(resolve, resolve)
      })
    })
    await fuse.ready
  }

  #noteMiss(id: number, code: ErrorCode): void {
    const row = this.volume.tree.nodes.byId(id)
    const path = row && localPathOf(this, row)
    if (row === undefined || path === undefined) return
    const words = code === 's3/archived' ? archivedWords(this.volume, row) : undefined
    const missed = words ? { sentence: words.sentence } : {}
    this.#parts.onDidMiss(path, { why: code === 's3/archived' ? 'archived' : 'network', ...missed })
  }

  #noteFetched(id: number, pid: number, bytes: number): void {
    const { tree, reads } = this.volume
    const row = tree.nodes.byId(id)
    if (!row?.remoteKey) return
    reads.note({ program: this.#programs.of(pid) ?? 'a program', key: row.remoteKey, bytes })
  }

  /** Unmounted, by us or by anyone: what programs left open is sealed now. */
  async #onEnd(): Promise<void> {
    this.#endedByItself = this.#life === 'mounted'
    this.#gitHint?.close()
    try {
      await this.#vfs?.close()
    } finally {
      await this.#parts.folder.unmounted({ isEngineEnding: this.#isEngineEnding })
      if (this.#life === 'mounted' || this.#life === 'stopping') this.#become('ended')
    }
  }
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && code in ERRORS
}
