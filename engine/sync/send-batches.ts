/**
 * Ends the batches of send folders: takes the old marker away, checks the files, makes the new one.
 *
 * Runs in: engine process, one for each volume. The marker is an ordinary file of the folder: it
 * travels by the journal like any other, so that a crash leaves it exactly once.
 */
import { createHash } from 'node:crypto'
import { PailError } from '../../shared/errors.ts'
import { MARKER_NAMES } from '../../shared/folder-roles.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Etag, ListPage, ObjectStore } from '../s3/object-store.ts'
import type { BatchFile, FolderRoles, RoleRow } from '../store/folder-roles.ts'
import type { ObjectVersion } from './content.ts'
import type { Reader } from './fetcher.ts'
import type { FileContents } from './file-contents.ts'
import type { Requests } from './requests.ts'
import type { SendFolders } from './send-folders.ts'
import { manifestEnd, manifestFile, manifestStart, readyBody } from './send-marker.ts'
import { planSend, type SendStep } from './send-plan.ts'
import type { Tree } from './tree.ts'
import { addEntry, removeEntry } from './tree-edit.ts'
import { headOrNone } from './upload-job.ts'

/** How often an open batch is looked at. */
const LOOK_MS = 250
/** With nothing open, a change of the folder wakes the loop. */
const IDLE_LOOK_MS = 60_000
/** After a failed check, or a full disk. */
const RETRY_MS = 5_000
const FILES_PAGE = 500
/** Bytes digested in one go: about two milliseconds. */
const READ_BYTES = 1024 * 1024
/** Told to watchers of the tree: no program made this. */
const ORIGIN = 'send'
const MARKER_MODE = 0o444

export type SendParts = {
  readonly tree: Tree
  readonly contents: FileContents
  readonly sends: SendFolders
  readonly roles: FolderRoles
  readonly store: ObjectStore
  readonly requests: Requests
  readonly openReader: (version: ObjectVersion) => Reader
  readonly clock: Clock
  readonly log: Log
  readonly host: string
  readonly signal: AbortSignal
  readonly onDidChange: () => void
}

type Failure = { readonly error: PailError; readonly untilMs: number }

export class SendBatches {
  readonly #parts: SendParts
  readonly #busyMs = new Map<number, number>()
  readonly #failures = new Map<number, Failure>()
  readonly #shown = new Map<number, string>()
  #wake: () => void = () => {}
  #isWoken = false

  constructor(parts: SendParts) {
    this.#parts = parts
    parts.tree.watch((changes) => {
      if (changes.some(({ origin }) => origin !== ORIGIN)) this.wake()
    })
  }

  wake(): void {
    if (this.#parts.sends.isNone) return
    this.#isWoken = true
    this.#wake()
  }

  async run(): Promise<void> {
    const { sends, clock, signal } = this.#parts
    while (!signal.aborted) {
      this.#isWoken = false
      let isOpen = false
      for (const folder of sends.folders) isOpen = (await this.#turn(folder)) || isOpen
      if (this.#isWoken && !isOpen) continue
      const waiting = new AbortController()
      this.#wake = () => (isOpen ? {} : waiting.abort())
      const waitMs = isOpen ? LOOK_MS : IDLE_LOOK_MS
      await clock.sleep(waitMs, AbortSignal.any([signal, waiting.signal])).catch(() => {})
    }
  }

  /** What is done next about the folder, and what has gone wrong. */
  look(folder: RoleRow): { step: SendStep; error?: PailError; quietLeftMs: number } {
    const step = this.#plan(folder)
    const error = this.#failures.get(folder.node)?.error
    const quietLeftMs = step.kind === 'quiet' ? step.untilMs - this.#parts.clock.monotonicMs() : 0
    return { step, quietLeftMs, ...(error ? { error } : {}) }
  }

  /** Markers below `prefix` that follow by themselves: what a flush waits for beyond the journal. */
  pendingMarkers(prefix: string): number {
    const { sends, tree } = this.#parts
    return sends.folders.filter((folder) => {
      const node = tree.nodes.byId(folder.node)
      if (!node || !tree.keyOf(node).startsWith(prefix)) return false
      const { kind } = this.#plan(folder)
      return kind === 'quiet' || kind === 'mark' || kind === 'wait'
    }).length
  }

  #plan(folder: RoleRow): SendStep {
    const { sends, clock } = this.#parts
    const facts = sends.facts(folder)
    const nowMs = clock.monotonicMs()
    const isBusy = facts.waiting > 0 || facts.writers > 0
    if (isBusy || !this.#busyMs.has(folder.node)) this.#busyMs.set(folder.node, nowMs)
    return planSend({
      ...facts,
      busyMs: this.#busyMs.get(folder.node) ?? nowMs,
      isClosing: folder.isClosing,
      quietMs: folder.options.quietMs,
      nowMs,
    })
  }

  /** @returns whether the folder has to be looked at again soon */
  async #turn(folder: RoleRow): Promise<boolean> {
    const { clock, log, signal } = this.#parts
    const failure = this.#failures.get(folder.node)
    if (failure && clock.monotonicMs() < failure.untilMs) return true
    const step = this.#plan(folder)
    try {
      if (step.kind === 'withdraw') await this.#withdraw(folder)
      if (step.kind === 'mark') await this.#mark(folder)
      this.#failures.delete(folder.node)
    } catch (thrown) {
      if (signal.aborted) return false
      const error = PailError.from(thrown)
      this.#failures.set(folder.node, { error, untilMs: clock.monotonicMs() + RETRY_MS })
      log.write('warn', 'send/failed', { step: step.kind, code: error.code, detail: error.detail })
    }
    if (step.kind !== this.#shown.get(folder.node)) {
      this.#shown.set(folder.node, step.kind)
      this.#parts.onDidChange()
    }
    return step.kind !== 'idle'
  }

  async #withdraw(folder: RoleRow): Promise<void> {
    const { tree, sends } = this.#parts
    for (const marker of sends.markers(folder)) await removeEntry(tree, marker, ORIGIN)
  }

  async #mark(folder: RoleRow): Promise<void> {
    const { roles, tree } = this.#parts
    if (!(await this.#verify(folder))) return
    const isManifest = folder.options.marker === 'manifest'
    if (isManifest) await this.#digest(folder)
    // Checked while requests and digests took their time: the batch may have gone on.
    if (this.#plan(folder).kind !== 'mark') return
    if (roles.batchOf(folder.node).files === 0) {
      await tree.change(() => roles.finishBatch(folder.node, tree.clock.nowMs()))
      return
    }
    await this.#write(folder, this.#bodyOf(folder, isManifest))
  }

  /** Every file of the batch stands in the bucket as it was stored. @returns false: not any more */
  async #verify(folder: RoleRow): Promise<boolean> {
    const { roles, tree, store, requests, signal } = this.#parts
    const prefix = tree.keyOf(tree.node(folder.node))
    const seen = new Set<number>()
    let token: string | undefined
    do {
      const page: ListPage = await requests.run(
        'background',
        (attempt) => store.list({ prefix, ...(token === undefined ? {} : { token }) }, attempt),
        signal,
      )
      for (const { key, etag } of page.objects) {
        for (const { id } of tree.nodes.byRemoteKey(tree.volume, key)) {
          if (roles.fileOf(folder.node, id)?.etag === etag) seen.add(id)
        }
      }
      token = page.next
    } while (token !== undefined)
    let isWhole = true
    for (const file of this.#files(folder)) {
      if (!seen.has(file.node)) isWhole = (await this.#recheck(folder, file)) && isWhole
    }
    return isWhole
  }

  /** Somebody else replaced or removed it: the marker will speak of what is there now. */
  async #recheck(folder: RoleRow, file: BatchFile): Promise<boolean> {
    const { roles, tree, store, requests, signal, log } = this.#parts
    const node = tree.nodes.byId(file.node)
    const isOurs = node && this.#parts.sends.folderOf(node)?.node === folder.node
    const key = isOurs ? node.remoteKey : null
    const head =
      key === null
        ? undefined
        : await requests.run('background', (one) => headOrNone(store, key, one), signal)
    await tree.change(() => {
      roles.removeFile(folder.node, file.node)
      if (!head) return
      const { etag, sizeBytes } = head
      roles.addFile(folder.node, { node: file.node, etag, sizeBytes, atMs: tree.clock.nowMs() })
    })
    if (isOurs) log.write('warn', 'send/changed-by-others', { key, isThere: head !== undefined })
    return false
  }

  /** SHA-256 of what the bucket holds, from this disk where it is still here. */
  async #digest(folder: RoleRow): Promise<void> {
    const { roles, tree } = this.#parts
    for (const file of this.#files(folder)) {
      const node = tree.nodes.byId(file.node)
      if (file.sha256 !== null || !node || node.remoteKey === null) continue
      const sha256 = await this.#sha256({
        volume: tree.volume,
        key: node.remoteKey,
        etag: file.etag as Etag,
        sizeBytes: file.sizeBytes,
      })
      await tree.database.write(() => roles.setSha256(folder.node, file, sha256))
    }
  }

  async #sha256(version: ObjectVersion): Promise<string> {
    const { openReader, signal } = this.#parts
    const hash = createHash('sha256')
    const reader = openReader(version)
    const buffer = new Uint8Array(Math.min(READ_BYTES, version.sizeBytes))
    try {
      for (let offset = 0; offset < version.sizeBytes; offset += READ_BYTES) {
        const piece = buffer.subarray(0, Math.min(READ_BYTES, version.sizeBytes - offset))
        await reader.read(offset, piece, signal)
        hash.update(piece)
      }
    } finally {
      reader.close()
    }
    return hash.digest('hex')
  }

  *#files(folder: RoleRow): Generator<BatchFile> {
    let after = 0
    for (;;) {
      const page = this.#parts.roles.filesOf(folder.node, after, FILES_PAGE)
      yield* page
      const last = page.at(-1)
      if (!last) return
      after = last.node
    }
  }

  *#bodyOf(folder: RoleRow, isManifest: boolean): Generator<string> {
    const { roles, tree, clock, host } = this.#parts
    const { files, bytes } = roles.batchOf(folder.node)
    const head = {
      batch: folder.batch + 1,
      createdMs: clock.nowMs(),
      host,
      fileCount: files,
      byteCount: bytes,
    }
    if (!isManifest) {
      yield readyBody(head)
      return
    }
    yield manifestStart(head)
    const prefix = tree.keyOf(tree.node(folder.node))
    let isFirst = true
    for (const { node, sizeBytes, etag, sha256 } of this.#files(folder)) {
      const key = tree.nodes.byId(node)?.remoteKey
      if (!key || sha256 === null) throw new PailError('vfs/stale', `file ${node} of a batch`)
      yield manifestFile({ path: key.slice(prefix.length), sizeBytes, etag, sha256 }, isFirst)
      isFirst = false
    }
    yield manifestEnd()
  }

  /** From the first step on the entry holds back everything else of the folder. */
  async #write(folder: RoleRow, body: Iterable<string>): Promise<void> {
    const { tree, contents } = this.#parts
    const name = MARKER_NAMES[folder.options.marker]
    const entry = { kind: 'file' as const, mode: MARKER_MODE, ...tree.owner }
    const node = await addEntry(tree, tree.directory(folder.node), name, entry, ORIGIN)
    const content = await contents.acquire(node.id)
    try {
      for (const piece of body) await content.write(undefined, 'append', Buffer.from(piece))
      await content.seal(ORIGIN)
    } catch (thrown) {
      await removeEntry(tree, tree.node(node.id), ORIGIN)
      throw thrown
    } finally {
      await contents.release(content, ORIGIN)
    }
    this.#parts.log.write('info', 'send/marked', { batch: folder.batch + 1, name })
  }
}
