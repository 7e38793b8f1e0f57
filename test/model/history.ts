/** What happens to one mount, step by step, and the run of such a history against the reference. */
import { expect } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { secondsText } from '../../engine/sync/object-attributes.ts'
import { PailError } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'
import { type Entry, ReferenceTree } from './reference-tree.ts'

export type Step =
  | { readonly op: 'write'; path: string; offset: number; size: number; truncate: boolean }
  | { readonly op: 'append'; path: string; size: number }
  | { readonly op: 'truncate'; path: string; size: number }
  | { readonly op: 'punch'; path: string; offset: number; size: number }
  | { readonly op: 'copy'; path: string; to: string }
  | { readonly op: 'mkdir' | 'unlink' | 'rmdir' | 'read' | 'list'; path: string }
  | { readonly op: 'rename'; path: string; to: string }
  | { readonly op: 'symlink'; path: string; target: string }
  | { readonly op: 'chmod'; path: string; mode: number }
  | { readonly op: 'utimens'; path: string; mtimeMs: number }
  | { readonly op: 'setxattr'; path: string; name: string; size: number }
  | { readonly op: 'removexattr'; path: string; name: string }
  | { readonly op: 'wait'; ms: number }
  | { readonly op: 'flush' | 'kill' | 'calm' | 'slow' | 'lose' }
  | { readonly op: 'storm' | 'lossy'; rate: number }
  | { readonly op: 'offline'; ms: number }
  | { readonly op: 'other-put'; path: string; size: number }
  | { readonly op: 'other-delete'; path: string }

export type History = {
  readonly seed: number
  /** The server's ETags say nothing of the content. */
  readonly hasOpaqueEtags?: boolean
  readonly steps: readonly Step[]
}

/** Content that tells which write it came from. */
function bytesFor(count: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (count * 31 + at * 7 + (at >> 8)) & 0xff
  return bytes
}

/** Enough turns of the loop that no answer is late only because time was moved on too soon. */
const SETTLE_TURNS = 12
const NS_PER_MS = 1_000_000n
/** Shorter than anybody's patience. */
const SLOW_MS_MAX = 3_000
/** Requests after which the bucket is another one. */
const CHANGING = [
  'put',
  'copy',
  'delete',
  'deleteBatch',
  'createMultipart',
  'uploadPart',
  'uploadPartCopy',
  'completeMultipart',
  'abortMultipart',
] as const

export async function runHistory(history: History): Promise<void> {
  const clock = new FakeClock(1_800_000_000_000, SETTLE_TURNS)
  const random = new SeededRandom(history.seed)
  const bucket = new MemoryObjectStore({ clock, hasOpaqueEtags: history.hasOpaqueEtags === true })
  const store = new FlakyObjectStore(bucket, { clock, random })
  const run = new Run(clock, store, bucket, random)
  await run.start()
  try {
    for (const step of history.steps) await run.step(step)
    await run.end()
  } finally {
    await run.stop()
  }
}

/** Which of several missing things is told first is the kernel's path walk, not ours. */
function sameKind(errno: string): string {
  return errno === 'ENOTDIR' ? 'ENOENT' : errno
}

class Run {
  readonly #clock: FakeClock
  readonly #store: FlakyObjectStore
  readonly #bucket: MemoryObjectStore
  readonly #random: SeededRandom
  readonly #reference = new ReferenceTree()
  #engine: BareEngine | undefined
  #writes = 0
  #isOffline = false
  #isStormy = false
  #isSlow = false
  /** Answers to what changed the bucket get lost. */
  #isLossy = false

  constructor(
    clock: FakeClock,
    store: FlakyObjectStore,
    bucket: MemoryObjectStore,
    random: SeededRandom,
  ) {
    this.#clock = clock
    this.#store = store
    this.#bucket = bucket
    this.#random = random
  }

  async start(): Promise<void> {
    const options = { store: this.#store, clock: this.#clock, random: this.#random }
    this.#engine = await BareEngine.start(options)
  }

  async stop(): Promise<void> {
    await this.#engine?.close()
  }

  get #live(): BareEngine {
    if (!this.#engine) throw new Error('not started')
    return this.#engine
  }

  get #paths(): Paths {
    return new Paths(this.#live, (work) => this.#clock.until(work))
  }

  async step(step: Step): Promise<void> {
    const reference = this.#reference
    if (this.#goesThroughLink(step)) return
    switch (step.op) {
      case 'write': {
        const bytes = bytesFor(++this.#writes, step.size)
        // Writing nothing does not extend a file.
        const offset = bytes.length === 0 ? 0 : step.offset
        const done = () => this.#paths.write(step.path, offset, bytes, step.truncate)
        return this.#agree(step, done, () =>
          reference.write(step.path, offset, bytes, step.truncate),
        )
      }
      case 'append': {
        const bytes = bytesFor(++this.#writes, step.size)
        return this.#agree(
          step,
          () => this.#paths.append(step.path, bytes),
          () => reference.append(step.path, bytes),
        )
      }
      case 'truncate':
        return this.#agree(
          step,
          () => this.#paths.truncate(step.path, step.size),
          () => reference.truncate(step.path, step.size),
        )
      case 'punch':
        return this.#agree(
          step,
          () => this.#paths.punch(step.path, step.offset, step.size),
          () => reference.punch(step.path, step.offset, step.size),
        )
      case 'copy':
        // One that fails leaves what it copied until then.
        if (this.#isOffline || this.#isStormy || this.#isLossy) return
        return this.#agree(
          step,
          () => this.#paths.copy(step.path, step.to),
          () => reference.copy(step.path, step.to),
        )
      case 'mkdir':
      case 'unlink':
      case 'rmdir': {
        const { op, path } = step
        return this.#agree(
          step,
          () => this.#paths[op](path),
          () => reference[op](path),
        )
      }
      case 'rename':
        return this.#agree(
          step,
          () => this.#paths.rename(step.path, step.to),
          () => reference.rename(step.path, step.to),
        )
      case 'symlink':
        return this.#agree(
          step,
          () => this.#paths.symlink(step.target, step.path),
          () => reference.symlink(step.target, step.path),
        )
      case 'chmod':
        return this.#agree(
          step,
          () => this.#paths.chmod(step.path, step.mode),
          () => reference.chmod(step.path, step.mode),
        )
      case 'utimens': {
        const mtime = BigInt(step.mtimeMs) * NS_PER_MS
        return this.#agree(
          step,
          () => this.#paths.utimens(step.path, mtime),
          () => reference.utimens(step.path, mtime),
        )
      }
      case 'setxattr': {
        const value = `value ${step.size}`
        return this.#agree(
          step,
          () => this.#paths.setxattr(step.path, step.name, value),
          () => reference.setxattr(step.path, step.name, value),
        )
      }
      case 'removexattr':
        return this.#agree(
          step,
          () => this.#paths.removexattr(step.path, step.name),
          () => reference.removexattr(step.path, step.name),
        )
      case 'read':
        return this.#compareFile(step.path)
      case 'list':
        return this.#compareNames(step.path)
      case 'wait':
        return this.#clock.advance(step.ms)
      case 'flush':
        if (!this.#isOffline && !this.#isStormy) await this.#live.flush()
        return
      case 'kill':
        // That the engine starts while nothing answers is another test; after a lost answer it may.
        if (!this.#isLossy) this.#calm()
        this.#engine = await this.#live.killed()
        return
      case 'storm':
        this.#isStormy = true
        this.#isSlow = false
        return this.#store.setRates({ error: step.rate / 2, lostReply: step.rate / 2 })
      case 'calm':
        return this.#calm()
      case 'slow':
        // What programs do then comes between the requests of one and the same change.
        this.#calm()
        this.#isSlow = true
        return this.#store.setRates({ delay: 0.7, delayMsMax: SLOW_MS_MAX })
      case 'lossy':
        this.#isLossy = true
        return this.#store.setRates({ lostReply: step.rate, operations: CHANGING })
      case 'lose':
        return this.#loseNext()
      case 'offline':
        this.#store.setOffline(true)
        this.#isOffline = true
        return this.#clock.advance(step.ms)
      case 'other-put':
      case 'other-delete':
        return this.#otherClient(step)
    }
  }

  /** The kernel follows links before a file system hears of it; of its own it asks for the others. */
  #goesThroughLink(step: Step): boolean {
    const isLink = (path: string) => this.#reference.entries.get(path)?.kind === 'symlink'
    switch (step.op) {
      case 'write':
      case 'append':
      case 'truncate':
      case 'punch':
      case 'chmod':
      case 'setxattr':
      case 'removexattr':
        return isLink(step.path)
      case 'copy':
        return isLink(step.path) || isLink(step.to)
      default:
        return false
    }
  }

  /**
   * Another program changes the bucket while nothing of ours waits, and time passes: the folder
   * must show it. What happens when both change the same file is for the conflict tests.
   */
  async #otherClient(step: Extract<Step, { op: 'other-put' | 'other-delete' }>): Promise<void> {
    if (this.#isOffline || this.#isStormy || this.#isSlow || this.#isLossy) return
    const { files } = await this.#live.flush()
    if (files > 0) return
    if (step.op === 'other-put') {
      if (!this.#reference.plant(step.path, bytesFor(++this.#writes, step.size))) return
      this.#bucket.putDirect(step.path, bytesFor(this.#writes, step.size))
    } else {
      const kind = this.#reference.entries.get(step.path)?.kind
      if (kind === undefined || kind === 'directory') return
      this.#reference.uproot(step.path)
      this.#bucket.deleteDirect(step.path)
    }
    await this.#clock.advance(12_000)
    // Seen while there is a network: offline, the folder shows what it saw last.
    const components = step.path.split('/')
    for (let depth = 0; depth < components.length; depth++) {
      await this.#compareNames(components.slice(0, depth).join('/'))
    }
  }

  /** The next change of the bucket is carried out; its answer is lost, and the network with it. */
  #loseNext(): void {
    this.#isLossy = true
    const hook = () => {
      this.#isOffline = true
      this.#store.setOffline(true)
      this.#store.setScript([])
      throw new PailError('net/reset', 'the answer is lost')
    }
    const fault = { kind: 'hook', when: 'after', hook } as const
    this.#store.setScript(CHANGING.map((operation) => ({ operation, fault })))
  }

  #calm(): void {
    this.#isStormy = false
    this.#isOffline = false
    this.#isSlow = false
    this.#isLossy = false
    this.#store.setScript([])
    this.#store.setRates({})
    this.#store.setOffline(false)
  }

  /**
   * Both do the step. While requests fail, an operation may fail with an I/O error and then must
   * have changed nothing; it must never succeed wrongly.
   */
  async #agree(step: Step, actual: () => Promise<string>, expected: () => string): Promise<void> {
    const got = await actual()
    const mayFail = this.#isOffline || this.#isStormy
    if (mayFail && (got === 'EIO' || got === 'ESTALE')) return
    const wanted = expected()
    expect(sameKind(got), JSON.stringify(step)).toBe(sameKind(wanted))
  }

  async #compareFile(path: string): Promise<void> {
    if (this.#isOffline || this.#isStormy) return
    const entry = this.#reference.entries.get(path)
    if (entry?.kind !== 'file') return
    const bytes = await this.#paths.read(path)
    expect(Buffer.compare(bytes, entry.bytes), `content of ${path}`).toBe(0)
  }

  async #compareNames(path: string): Promise<void> {
    if (this.#isOffline || this.#isStormy) return
    if (this.#reference.entries.get(path)?.kind !== 'directory') return
    const names = (await this.#paths.names(path)).map((entry) => entry.name)
    expect(names, `names in ${path}`).toEqual(this.#reference.names(path))
  }

  /** Everything goes to the bucket; then folder, bucket and reference are the same. */
  async end(): Promise<void> {
    this.#calm()
    await this.#clock.advance(70_000)
    const pending = await this.#live.flush()
    expect(pending.files, `left in the journal: ${this.#journal()}`).toBe(0)
    await this.#compareAll('folder')
    this.#compareBucket()
    this.#engine = await this.#live.killed()
    await this.#clock.advance(12_000)
    await this.#compareAll('folder after a restart')
    expect(this.#bucket.openUploads(), 'uploads left open').toBe(0)
  }

  #journal(): string {
    const { database } = this.#live.volume.tree
    return JSON.stringify(
      database.all('SELECT op, key, state, error_code, error_detail FROM journal'),
    )
  }

  async #compareAll(what: string): Promise<void> {
    for (const [path, entry] of this.#reference.entries) {
      if (entry.kind === 'directory') {
        const names = (await this.#paths.names(path)).map((one) => one.name)
        expect(names, `${what}: names in ${path}`).toEqual(this.#reference.names(path))
      } else if (entry.kind === 'symlink') {
        expect(await this.#paths.readlink(path), `${what}: target of ${path}`).toBe(entry.target)
      } else {
        const bytes = await this.#paths.read(path)
        expect(Buffer.compare(bytes, entry.bytes), `${what}: content of ${path}`).toBe(0)
      }
      await this.#compareFacts(what, path, entry)
    }
  }

  async #compareFacts(what: string, path: string, entry: Entry): Promise<void> {
    const { attributes, xattrs } = await this.#paths.facts(path)
    expect(attributes.kind, `${what}: kind of ${path}`).toBe(entry.kind)
    expect(attributes.mode.toString(8), `${what}: mode of ${path}`).toBe(entry.mode.toString(8))
    expect(Object.fromEntries(xattrs), `${what}: attributes of ${path}`).toEqual(
      Object.fromEntries(entry.xattrs),
    )
    if (entry.mtime === undefined) return
    expect(attributes.mtime, `${what}: time of ${path}`).toBe(entry.mtime)
  }

  #compareBucket(): void {
    const wanted = [...this.#reference.entries].filter(([, entry]) => entry.kind !== 'directory')
    const objects = this.#bucket.keys().filter((key) => !key.endsWith('/'))
    expect([...objects].sort(), 'objects').toEqual(wanted.map(([path]) => path).sort())
    for (const [path, entry] of this.#reference.entries) {
      if (path === '') continue
      const key = entry.kind === 'directory' ? `${path}/` : path
      const object = this.#bucket.stored(key)
      const isSame = object && Buffer.compare(object.body, bodyOf(entry)) === 0
      if (object || entry.kind !== 'directory') expect(isSame, `object ${key}`).toBe(true)
      const metadata = object?.metadata
      if (entry.isForeign && metadata?.mode === undefined) continue
      expect(Number(metadata?.mode), `mode beside ${key}`).toBe(TYPE_BITS[entry.kind] | entry.mode)
      if (entry.mtime === undefined) continue
      expect(metadata?.mtime, `time beside ${key}`).toBe(secondsText(entry.mtime))
    }
    for (const key of this.#bucket.keys().filter((one) => one.endsWith('/'))) {
      const kind = this.#reference.entries.get(key.slice(0, -1))?.kind
      expect(kind, `marker ${key}`).toBe('directory')
    }
  }
}

const TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const

function bodyOf(entry: Entry): Uint8Array {
  if (entry.kind === 'symlink') return Buffer.from(entry.target)
  return entry.kind === 'file' ? entry.bytes : new Uint8Array(0)
}
