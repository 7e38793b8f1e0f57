/**
 * Random histories of two computers and a plain S3 client on one bucket, and the judge of them.
 *
 * The judge knows of each content who acknowledged it and what its writer had before its eyes. A
 * content may only be gone when somebody replaced or removed it who saw exactly that content.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { ObjectStore } from '../../engine/s3/object-store.ts'
import type { NodeRow } from '../../engine/store/nodes.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

export type SharedStep =
  | { readonly who: number; readonly op: 'write'; path: string; sizeBytes: number }
  | { readonly who: number; readonly op: 'append' | 'unlink' | 'rmdir'; path: string }
  | { readonly who: number; readonly op: 'rename'; path: string; to: string }
  | { readonly who: number; readonly op: 'look'; path: string }
  | { readonly who: number; readonly op: 'symlink' | 'utimens'; path: string }
  | { readonly who: number; readonly op: 'chmod'; path: string; mode: number }
  | { readonly who: number; readonly op: 'offline' | 'online' | 'kill' | 'flush' }
  | { readonly op: 'put'; path: string; sizeBytes: number }
  | { readonly op: 'delete'; path: string }
  | { readonly op: 'wait'; ms: number }

export type SharedHistory = { readonly seed: number; readonly steps: readonly SharedStep[] }

const HOSTS = ['ship', 'shore'] as const
const FILES = ['a', 'b', 'd/a', 'd/b', 'e/a']
const FOLDERS = ['', 'd', 'e']
/** Enough turns of the loop that no answer is late only because time was moved on too soon. */
const SETTLE_TURNS = 12
/** After this time a listing is asked for again. */
const STALE_MS = 12_000
const RETRIES_MS = 120_000
const LOOK_AGAIN_MS = 2_000
const SET_MTIME = 1_600_000_000_000_000_000n

const who = fc.nat(HOSTS.length - 1)
const path = fc.constantFrom(...FILES)
const sizeBytes = fc.constantFrom(0, 20, 20, 5000, 1_100_000)

const STEPS: Array<fc.Arbitrary<SharedStep>> = [
  fc.record({ who, op: fc.constant('write' as const), path, sizeBytes }),
  fc.record({ who, op: fc.constant('write' as const), path, sizeBytes }),
  fc.record({ who, op: fc.constantFrom('append' as const, 'append', 'unlink', 'unlink'), path }),
  fc.record({ who, op: fc.constant('rename' as const), path, to: path }),
  fc.record({
    who,
    op: fc.constant('rename' as const),
    path: fc.constantFrom('d', 'e'),
    to: fc.constantFrom('d', 'e', 'f'),
  }),
  fc.record({ who, op: fc.constant('rmdir' as const), path: fc.constantFrom('d', 'e') }),
  fc.record({ who, op: fc.constantFrom('symlink' as const, 'utimens'), path }),
  fc.record({
    who,
    op: fc.constant('chmod' as const),
    path: fc.constantFrom(...FILES, 'd'),
    mode: fc.constantFrom(0o600, 0o755),
  }),
  fc.record({ who, op: fc.constant('look' as const), path: fc.constantFrom(...FOLDERS) }),
  fc.record({ who, op: fc.constantFrom('offline' as const, 'online', 'kill', 'flush') }),
  fc.record({ op: fc.constant('put' as const), path, sizeBytes }),
  fc.record({ op: fc.constant('delete' as const), path }),
  fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(100, 900, 4000, STALE_MS) }),
]

export const sharedHistory: fc.Arbitrary<SharedHistory> = fc.record({
  seed: fc.nat(1_000_000),
  steps: fc.array(fc.oneof(...STEPS), { minLength: 2, maxLength: 30, size: 'max' }),
})

export async function runSharedHistory(history: SharedHistory): Promise<void> {
  const run = new SharedRun(history.seed)
  await run.start()
  try {
    for (const step of history.steps) await run.step(step)
    await run.end()
  } finally {
    await run.stop()
  }
}

const BASE_GONE = "error_code = 'sync/base-gone'"

type Content = { readonly by: string; readonly path: string; readonly bytes: Uint8Array }

function digestOf(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** What was acknowledged, and what its successors had seen of it. */
class Ledger {
  readonly #contents = new Map<string, Content>()
  readonly #replaced = new Set<string>()
  #count = 0

  /** Bytes that no other write has; nothing is nothing, and is not followed. */
  make(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes)
    const tag = Buffer.from(`<${++this.#count}>`)
    for (let at = 0; at < sizeBytes; at++) bytes[at] = tag[at % tag.length] ?? 0
    return bytes
  }

  acknowledge(content: Content): void {
    if (content.bytes.length > 0) this.#contents.set(digestOf(content.bytes), content)
  }

  bytesOf(digest: string | undefined): Uint8Array {
    const content = digest === undefined ? undefined : this.#contents.get(digest)
    return content?.bytes ?? new Uint8Array(0)
  }

  /** Somebody who saw this content replaced or removed it. */
  replace(digest: string | undefined): void {
    if (digest !== undefined) this.#replaced.add(digest)
  }

  /** Written again by somebody: what happened to it earlier does not excuse its loss. */
  vanished(kept: ReadonlySet<string>): string[] {
    return [...this.#contents]
      .filter(([digest]) => !kept.has(digest) && !this.#replaced.has(digest))
      .map(([, { by, path, bytes }]) => {
        const tag = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
        return `${tag} (${bytes.length} bytes, ${by}, ${path})`
      })
  }
}

/**
 * Deletions and copies carry no condition that every server knows: an engine looks immediately
 * before. What somebody stores between that look and the request is lost, and docs/SEMANTICS.md
 * says so. Here requests that follow each other take no time, so this happens; it is told apart
 * from what an engine destroys although it could have seen it.
 */
class Windows {
  #turn = 0
  readonly #storedAt = new Map<string, number>()
  readonly #bucket: MemoryObjectStore
  readonly #ledger: Ledger

  constructor(bucket: MemoryObjectStore, ledger: Ledger) {
    this.#bucket = bucket
    this.#ledger = ledger
  }

  noteStored(key: string): void {
    this.#storedAt.set(key, ++this.#turn)
  }

  /** The bucket, with everything noted that one computer looks at and destroys. */
  watch(): ObjectStore {
    const looks = new Map<string, number>()
    const look = (place: string) => looks.set(place, ++this.#turn)
    const harm = (key: string) => {
      let seenAt = looks.get(key) ?? 0
      for (const [place, at] of looks) {
        if (place.endsWith('/*') && key.startsWith(place.slice(0, -2)))
          seenAt = Math.max(seenAt, at)
      }
      const bytes = this.#bucket.bytesOf(key)
      if (bytes && (this.#storedAt.get(key) ?? 0) > seenAt) this.#ledger.replace(digestOf(bytes))
    }
    // The memory store carries a request out before it returns its promise.
    const stored = <T>(key: string, work: () => Promise<T>): Promise<T> => {
      const before = this.#bucket.stored(key)
      const reply = work()
      if (this.#bucket.stored(key) !== before) this.noteStored(key)
      return reply
    }
    return new Proxy(this.#bucket, {
      get: (target, name: keyof ObjectStore) => {
        const watched: Partial<ObjectStore> = {
          head: (key, signal) => {
            look(key)
            return target.head(key, signal)
          },
          list: (request, signal) => {
            // With a delimiter it shows a folder; what is about to be destroyed is looked at flat.
            if (request.delimiter === undefined) look(`${request.prefix}/*`)
            return target.list(request, signal)
          },
          put: (request, signal) => stored(request.key, () => target.put(request, signal)),
          completeMultipart: (request, signal) =>
            stored(request.key, () => target.completeMultipart(request, signal)),
          copy: (request, signal) => {
            harm(request.key)
            return stored(request.key, () => target.copy(request, signal))
          },
          delete: (key, signal) => {
            harm(key)
            return target.delete(key, signal)
          },
          deleteBatch: (keys, signal) => {
            for (const key of keys) harm(key)
            return target.deleteBatch(keys, signal)
          },
        }
        return watched[name] ?? target[name].bind(target)
      },
    })
  }
}

/** One computer: its engine, its network, and what its programs see. */
class Computer {
  readonly host: string
  readonly store: FlakyObjectStore
  engine: BareEngine
  readonly #clock: FakeClock
  /** Content of local edits, by node, as long as the row has no ETag for it. */
  readonly local = new Map<number, string>()

  constructor(host: string, store: FlakyObjectStore, engine: BareEngine, clock: FakeClock) {
    this.host = host
    this.store = store
    this.engine = engine
    this.#clock = clock
  }

  get paths(): Paths {
    return new Paths(this.engine, (work) => this.#clock.until(work))
  }

  /** The row that a path means to programs here and now, after a look as theirs. */
  async row(path: string): Promise<NodeRow | undefined> {
    try {
      const id = await this.#clock.until(this.paths.find(path))
      return this.engine.volume.tree.nodes.byId(id)
    } catch {
      return undefined
    }
  }

  /** Digest of the content that programs see in this row. */
  digestOf(row: NodeRow | undefined): string | undefined {
    if (!row || row.kind === 'directory') return undefined
    if (row.staged !== null) return this.local.get(row.id)
    return row.etag?.replaceAll('"', '') ?? this.local.get(row.id)
  }

  /** A link shows itself as such when it is opened, at the latest. */
  async contentOf(path: string): Promise<Uint8Array> {
    try {
      return await this.paths.read(path)
    } catch (thrown) {
      if ((await this.row(path))?.kind !== 'symlink') throw thrown
      return Buffer.from(await this.paths.readlink(path))
    }
  }

  /** Changes that are not in the bucket; what a change for a person is to replace waits with it. */
  waiting(): string[] {
    const { database } = this.engine.volume.tree
    return database
      .all(
        `SELECT op, key, state, error_code, error_detail FROM journal
         WHERE error_code IS NOT 'sync/base-gone'
         AND (op <> 'delete' OR key NOT IN (SELECT key FROM journal WHERE ${BASE_GONE}))`,
      )
      .map((row) => `${this.host}: ${Object.values(row).join(', ')}`)
  }

  /** Contents that wait for a person, because the version that they were a change of is gone. */
  needingAttention(): string[] {
    const { database } = this.engine.volume.tree
    return database
      .all(`SELECT node FROM journal WHERE ${BASE_GONE}`)
      .map((row) => this.local.get(Number(row.node)) ?? '')
  }
}

class SharedRun {
  readonly #clock = new FakeClock(1_800_000_000_000, SETTLE_TURNS)
  readonly #random: SeededRandom
  readonly #bucket: MemoryObjectStore
  readonly #ledger = new Ledger()
  readonly #windows: Windows
  readonly #computers: Computer[] = []

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#bucket = new MemoryObjectStore({ clock: this.#clock })
    this.#windows = new Windows(this.#bucket, this.#ledger)
  }

  async start(): Promise<void> {
    for (const path of ['a', 'd/a']) this.#put(path, 20)
    for (const host of HOSTS) {
      const store = new FlakyObjectStore(this.#windows.watch(), {
        clock: this.#clock,
        random: this.#random,
      })
      const options = { store, clock: this.#clock, random: this.#random, host }
      this.#computers.push(new Computer(host, store, await BareEngine.start(options), this.#clock))
    }
  }

  async stop(): Promise<void> {
    for (const { engine } of this.#computers) await engine.close()
  }

  async step(step: SharedStep): Promise<void> {
    if ('who' in step) {
      const computer = this.#computers[step.who]
      if (computer) await this.#local(computer, step)
      return
    }
    if (step.op === 'wait') await this.#clock.advance(step.ms)
    else if (step.op === 'put') this.#put(step.path, step.sizeBytes)
    else this.#delete(step.path)
  }

  /** The plain client neither looks nor asks: what is there is what it replaces. */
  #put(path: string, sizeBytes: number): void {
    this.#ledger.replace(this.#current(path))
    const bytes = this.#ledger.make(sizeBytes)
    this.#bucket.putDirect(path, bytes)
    this.#windows.noteStored(path)
    this.#ledger.acknowledge({ by: 'plain client', path, bytes })
  }

  #delete(path: string): void {
    this.#ledger.replace(this.#current(path))
    this.#bucket.deleteDirect(path)
  }

  #current(key: string): string | undefined {
    const bytes = this.#bucket.bytesOf(key)
    return bytes && digestOf(bytes)
  }

  async #local(computer: Computer, step: Extract<SharedStep, { who: number }>): Promise<void> {
    switch (step.op) {
      case 'write':
        return this.#write(computer, step.path, this.#ledger.make(step.sizeBytes))
      case 'append':
        return this.#append(computer, step.path)
      case 'unlink':
        return this.#unlink(computer, step.path)
      case 'rename':
        return this.#rename(computer, step.path, step.to)
      case 'symlink':
        return this.#symlink(computer, step.path)
      case 'chmod':
        await computer.paths.chmod(step.path, step.mode)
        return
      case 'utimens':
        await computer.paths.utimens(step.path, SET_MTIME)
        return
      case 'rmdir':
        await computer.paths.rmdir(step.path)
        return
      case 'look':
        await computer.paths.names(step.path).catch(() => [])
        return
      case 'offline':
        return computer.store.setOffline(true)
      case 'online':
        return computer.store.setOffline(false)
      case 'flush':
        await computer.engine.flush(STALE_MS)
        return
      case 'kill':
        computer.engine = await computer.engine.killed()
    }
  }

  async #symlink(computer: Computer, path: string): Promise<void> {
    const target = this.#ledger.make(20)
    const done = await computer.paths.symlink(Buffer.from(target).toString(), path)
    if (done === 'ok') await this.#didWrite(computer, path, undefined, target)
  }

  async #write(computer: Computer, path: string, bytes: Uint8Array): Promise<void> {
    const row = await computer.row(path)
    // The kernel follows a link before a file system is asked to write.
    if (row?.kind === 'symlink') return
    const seen = computer.digestOf(row)
    if ((await computer.paths.write(path, 0, bytes, true)) !== 'ok') return
    await this.#didWrite(computer, path, seen, bytes)
  }

  async #append(computer: Computer, path: string): Promise<void> {
    const row = await computer.row(path)
    if (!row || row.kind === 'symlink') return
    const seen = computer.digestOf(row)
    const piece = this.#ledger.make(30)
    if ((await computer.paths.append(path, piece)) !== 'ok') return
    const whole = Buffer.concat([this.#ledger.bytesOf(seen), piece])
    await this.#didWrite(computer, path, seen, whole)
  }

  async #didWrite(computer: Computer, path: string, seen: string | undefined, bytes: Uint8Array) {
    const row = await computer.row(path)
    if (row) computer.local.set(row.id, digestOf(bytes))
    this.#ledger.replace(seen)
    this.#ledger.acknowledge({ by: computer.host, path, bytes })
  }

  async #unlink(computer: Computer, path: string): Promise<void> {
    const seen = computer.digestOf(await computer.row(path))
    if ((await computer.paths.unlink(path)) === 'ok') this.#ledger.replace(seen)
  }

  async #rename(computer: Computer, path: string, to: string): Promise<void> {
    if (path === to) return
    await computer.row(path)
    const seen = computer.digestOf(await computer.row(to))
    if ((await computer.paths.rename(path, to)) === 'ok') this.#ledger.replace(seen)
  }

  /** Everybody is online again and everything goes to the bucket: nothing is missing, all see the same. */
  async end(): Promise<void> {
    for (const { store } of this.#computers) store.setOffline(false)
    await this.#clock.advance(RETRIES_MS)
    for (const { engine } of [...this.#computers, ...this.#computers]) await engine.flush()
    await this.#clock.advance(STALE_MS)
    const needing = this.#computers.flatMap((computer) => computer.needingAttention())
    const stored = this.#bucket.keys().map((key) => this.#current(key) ?? '')
    const kept = new Set([...stored, ...needing])
    const waiting = this.#computers.flatMap((computer) => computer.waiting())
    expect(waiting, 'changes that are not in the bucket').toEqual([])
    expect(
      this.#ledger.vanished(kept),
      `acknowledged, and gone; in the bucket: ${this.#listed()}`,
    ).toEqual([])
    if (needing.length === 0) for (const computer of this.#computers) await this.#sees(computer)
    expect(this.#bucket.openUploads(), 'uploads left open').toBe(0)
  }

  #listed(): string {
    return this.#bucket.keys().join(', ')
  }

  async #sees(computer: Computer): Promise<void> {
    // A first look may show what was known; what it asks for has arrived by the second one.
    for (const folder of FOLDERS) await computer.paths.names(folder).catch(() => [])
    await this.#clock.advance(LOOK_AGAIN_MS)
    const seen: Record<string, string | undefined> = {}
    await this.#walk(computer, '', seen)
    const files = this.#bucket.keys().filter((key) => !key.endsWith('/'))
    const wanted = Object.fromEntries(files.map((key) => [key, this.#current(key)]))
    expect(seen, `what ${computer.host} shows`).toEqual(wanted)
  }

  async #walk(computer: Computer, folder: string, into: Record<string, string | undefined>) {
    for (const { name, kind } of await computer.paths.names(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (kind === 'directory') await this.#walk(computer, path, into)
      else into[path] = digestOf(await computer.contentOf(path))
    }
  }
}
