/**
 * Tells the kernel what it holds that is outdated, because somebody else changed it.
 *
 * Keeps: a notification may wait inside the kernel for a reply that this process owes, so they are
 *        sent one at a time through the thread pool, never inside an operation.
 * Keeps: a bounded queue in which equal messages become one; on overflow every name is outdated at
 *        once where the kernel can do that, and otherwise heals when its timeout ends.
 */
import type { Log } from '../base/log.ts'
import type { Change } from '../vfs/vfs.ts'
import type { NodeTable } from './node-table.ts'
import {
  encodeInvalidateAllEntries,
  encodeInvalidateEntry,
  encodeInvalidateNode,
} from './wire/notifications.ts'

export const QUEUED_NOTIFICATIONS_MAX = 8_192

/** Hands one message to the kernel; resolves when the kernel took it, or did not know the node. */
export type Notify = (message: Buffer) => Promise<void>

export class Invalidator {
  readonly #nodes: NodeTable
  readonly #notify: Notify
  readonly #log: Log
  readonly #queue = new Map<string, Buffer>()
  #canOutdateAll = false
  #isSending = false
  #isClosed = false
  #sent = 0
  #dropped = 0

  constructor(parts: { nodes: NodeTable; notify: Notify; log: Log }) {
    this.#nodes = parts.nodes
    this.#notify = parts.notify
    this.#log = parts.log
  }

  get stats(): { sent: number; queued: number; dropped: number } {
    return { sent: this.#sent, queued: this.#queue.size, dropped: this.#dropped }
  }

  /** Protocol 7.44 has one message for all names. */
  set canOutdateAll(fact: boolean) {
    this.#canOutdateAll = fact
  }

  /** Changes that this kernel made itself (`fuse`) are known to it. */
  invalidate(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.origin !== 'fuse') this.#enqueueChange(change)
    }
    this.#send()
  }

  /** Pages and attributes of one node, whoever changed it. */
  invalidateNode(id: number): void {
    this.#enqueueNode(id, true)
    this.#send()
  }

  close(): void {
    this.#isClosed = true
    this.#queue.clear()
  }

  #enqueueChange(change: Change): void {
    if (change.type === 'attributes' || change.type === 'data') {
      this.#enqueueNode(change.id, change.type === 'data')
      return
    }
    if (!this.#nodes.knows(change.parent)) return
    const parent = this.#nodes.toWire(change.parent)
    this.#enqueue(`entry ${parent} ${change.name}`, () =>
      encodeInvalidateEntry(parent, change.name),
    )
    // The kernel skips the parent's times when it does not hold the name.
    this.#enqueueNode(change.parent, false)
    if (change.type === 'removed') this.#enqueueNode(change.id, false)
  }

  #enqueueNode(id: number, pages: boolean): void {
    if (!this.#nodes.knows(id)) return
    const node = this.#nodes.toWire(id)
    if (!pages && this.#queue.has(`pages ${node}`)) return
    if (pages) this.#queue.delete(`attributes ${node}`)
    this.#enqueue(`${pages ? 'pages' : 'attributes'} ${node}`, () =>
      encodeInvalidateNode(node, pages),
    )
  }

  #enqueue(key: string, encode: () => Buffer): void {
    if (this.#isClosed || this.#queue.has(key)) return
    if (this.#queue.size >= QUEUED_NOTIFICATIONS_MAX) this.#overflow()
    this.#queue.set(key, encode())
  }

  #overflow(): void {
    this.#dropped += this.#queue.size
    this.#queue.clear()
    this.#log.write('warn', 'fuse/notifications-overflow', { canOutdateAll: this.#canOutdateAll })
    if (this.#canOutdateAll) this.#queue.set('all entries', encodeInvalidateAllEntries())
  }

  #send(): void {
    if (this.#isSending || this.#isClosed) return
    this.#isSending = true
    // Never rejects; not awaited, because whoever reports a change must not wait for the kernel.
    void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#take(); next; next = this.#take()) {
      try {
        await this.#notify(next)
        this.#sent++
      } catch (thrown) {
        this.#dropped++
        this.#log.write('error', 'fuse/notification-failed', { error: String(thrown) })
      }
    }
    this.#isSending = false
  }

  #take(): Buffer | undefined {
    const first = this.#queue.entries().next()
    if (first.done) return undefined
    const [key, message] = first.value
    this.#queue.delete(key)
    return message
  }
}
