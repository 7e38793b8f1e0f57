/**
 * Which nodes the kernel knows, and how often it was told of each (the lookup count).
 *
 * Keeps: a node number from the kernel is believed only if this table gave it out and it was not
 *        forgotten since. Keeps: the kernel's root (1) and the file system's root are one node.
 * Never: lets a count go below zero; a wrong forget is logged and drops nothing else.
 */
import { PailError } from '../../shared/errors.ts'
import type { Log } from '../base/log.ts'
import type { NodeId } from '../vfs/vfs.ts'
import { ROOT_NODE } from './wire/constants.ts'

export class NodeTable {
  readonly #root: NodeId
  readonly #log: Log
  readonly #lookups = new Map<NodeId, number>()

  constructor(root: NodeId, log: Log) {
    this.#root = root
    this.#log = log
  }

  get size(): number {
    return this.#lookups.size
  }

  /** The kernel's number for a node. Root and 1 change places, so every other id stays itself. */
  toWire(id: NodeId): number {
    if (id === this.#root) return ROOT_NODE
    return id === ROOT_NODE ? this.#root : id
  }

  /** Counts one lookup: the kernel is about to be told of this node. */
  remember(id: NodeId): number {
    if (id !== this.#root) this.#lookups.set(id, (this.#lookups.get(id) ?? 0) + 1)
    return this.toWire(id)
  }

  knows(id: NodeId): boolean {
    return id === this.#root || this.#lookups.has(id)
  }

  /** @throws PailError `vfs/stale` for a number that the kernel cannot have from here */
  require(node: number | undefined): NodeId {
    const id = node === undefined ? undefined : this.#fromWire(node)
    if (id === undefined || !this.knows(id)) {
      throw new PailError('vfs/stale', `node ${node} was not given out`)
    }
    return id
  }

  forget(node: number | undefined, count: number): void {
    // The root is never forgotten: the kernel holds it as long as the mount lives.
    if (node === ROOT_NODE) return
    const id = node === undefined ? undefined : this.#fromWire(node)
    const held = id === undefined ? undefined : this.#lookups.get(id)
    if (id === undefined || held === undefined || held < count) {
      this.#log.write('error', 'fuse/wrong-forget', { node, count, held: held ?? 0 })
    }
    if (id === undefined || held === undefined) return
    if (held > count) this.#lookups.set(id, held - count)
    else this.#lookups.delete(id)
  }

  /** The same swap as `toWire`, which undoes itself. */
  #fromWire(node: number): NodeId {
    return this.toWire(node)
  }
}
