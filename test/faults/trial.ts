/**
 * One trial: programs work in a real folder while one fault is on; then the network is well again.
 *
 * A trial finds out, and does not decide: what it found is asserted by the test.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '../support/fault-proxy.ts'
import type { FileResult } from '../support/file-program.ts'
import { FileWorker } from '../support/file-worker.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, sha256 } from '../support/s3-client.ts'
import { hashesOf, hashOfFile, MIB, pathsBelow } from '../support/tree.ts'
import type { Versitygw } from '../support/versitygw.ts'
import { type FaultCase, rulesOf } from './fault-case.ts'
import { bytesOf, LARGE_READ, type Planned, plannedTasks, seededObjects } from './tasks.ts'

/** What a file operation may take, and what a busy machine adds. */
export const OPERATION_MS_MAX = 10_000 + 2_500
/** A fault without a duration of its own. */
const LASTS_MS = 3_000
const MEETS_MS_MAX = 15_000
const DRAIN_SECONDS_MAX = 90
/** A listing's age, and a busy machine. */
const VIEW_MS_MAX = 20_000
const UPLOADS_GONE_MS_MAX = 10_000
const POLL_MS = 200
const VIEW_BYTES_MAX = MIB
/** What the log says of a mistake of ours. */
const DEFECTS = /internal\/bug|"uncaught|records\/not-believed/

export type Cell = { readonly task: Planned; readonly result: FileResult; readonly flaws: string[] }
export type TrialReport = {
  readonly cells: readonly Cell[]
  /** `CORRUPT ...`, `LOST ...`, `HANG ...`: none when all is well. */
  readonly flaws: readonly string[]
  readonly spoiled: number
  readonly drainMs: number
}

export type Ground = { readonly server: Versitygw; readonly s3: PlainS3; readonly template: string }

/** A bucket with everything in it, of which each trial gets a copy. */
export async function prepareGround(server: Versitygw, s3: PlainS3): Promise<Ground> {
  const template = 'template'
  await s3.createBucket(template)
  for (const [key, content] of seededObjects()) await s3.put(template, key, bytesOf(content))
  return { server, s3, template }
}

export async function runTrial(ground: Ground, name: string, faultCase: FaultCase) {
  const bucket = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
  const { server } = ground
  // Keeps the extended attributes that hold ETags and metadata.
  await copyBucket(server.dir, ground.template, bucket)
  const proxy = await FaultProxy.start(server)
  const worker = await FileWorker.start()
  const mount = await startPail({ server: { ...server, url: proxy.url }, bucket })
  try {
    return await new Trial(ground, { bucket, proxy, worker, mount, faultCase }).run()
  } finally {
    await worker.stop()
    await mount.cleanUp()
    await proxy.stop()
    // Some hundred trials, each with a copy of everything, would fill a disk.
    await rm(join(server.dir, bucket), { recursive: true, force: true })
  }
}

async function copyBucket(dir: string, from: string, to: string): Promise<void> {
  const { execFileSync } = await import('node:child_process')
  execFileSync('cp', ['-a', join(dir, from), join(dir, to)])
}

type Parts = {
  readonly bucket: string
  readonly proxy: FaultProxy
  readonly worker: FileWorker
  readonly mount: PailHome
  readonly faultCase: FaultCase
}

class Trial {
  readonly #ground: Ground
  readonly #parts: Parts
  readonly #seeded = seededObjects()
  readonly #flaws: string[] = []

  constructor(ground: Ground, parts: Parts) {
    this.#ground = ground
    this.#parts = parts
  }

  async run(): Promise<TrialReport> {
    const { mount, proxy } = this.#parts
    const pid = mount.enginePid()
    await this.#visitKnown()
    const results = await this.#workUnderFault()
    const { spoiled } = proxy
    const start = performance.now()
    await mount.flush(DRAIN_SECONDS_MAX).catch((thrown) => {
      this.#flaws.push(`STUCK ${String(thrown).slice(0, 400)}`)
    })
    const drainMs = performance.now() - start
    if (mount.enginePid() !== pid) this.#flaws.push('CRASH the engine is another one')
    const cells = results.map(({ task, result }) => this.#cell(task, result))
    this.#checkBucket(cells)
    await this.#checkUploads()
    await this.#checkView()
    await this.#checkLarge()
    await this.#checkEngine()
    const flaws = [...cells.flatMap((cell) => cell.flaws), ...this.#flaws]
    return { cells, flaws, spoiled, drainMs: Math.round(drainMs) }
  }

  async #visitKnown(): Promise<void> {
    const { worker, mount } = this.#parts
    await pathsBelowWith(worker, mount.path('known'))
  }

  async #workUnderFault(): Promise<Array<{ task: Planned; result: FileResult }>> {
    const { proxy, faultCase, worker, mount } = this.#parts
    const start = performance.now()
    proxy.forget()
    proxy.spoil(...rulesOf(faultCase))
    const working = Promise.all(
      plannedTasks(this.#seeded).map(async (task) => ({
        task,
        result: await worker.run(task.task(mount.dir)),
      })),
    )
    if (!faultCase.isSlow) await working
    await this.#hurry((faultCase.lastsMs ?? LASTS_MS) - (performance.now() - start))
    proxy.heal()
    return working
  }

  /** Uploads begin at once, so that the fault meets them; it stays until it met something. */
  async #hurry(leftMs: number): Promise<void> {
    const { proxy, mount } = this.#parts
    const deadline = performance.now() + MEETS_MS_MAX
    const seconds = Math.max(LASTS_MS, leftMs) / 1000
    do {
      await mount.pail.run(['flush', '--wait', '--timeout', String(Math.ceil(seconds))])
    } while (proxy.spoiled === 0 && performance.now() < deadline)
  }

  #cell(task: Planned, result: FileResult): Cell {
    const what = `${task.name} (${task.flavour})`
    const { isSlow, isBlind, isBeyondDigests } = this.#parts.faultCase
    const flaws: string[] = []
    const limitMs = OPERATION_MS_MAX + (isSlow ? LASTS_MS : 0)
    if (result.slowestMs > limitMs) flaws.push(`HANG ${what}: ${result.slowestMs} ms`)
    const isUncovered = isBeyondDigests && task.name === 'read large'
    if (result.wrongAt !== undefined && !isUncovered)
      flaws.push(`CORRUPT ${what}: read at ${result.wrongAt}`)
    if (!isBlind) flaws.push(...liesOf(task, result, what))
    return { task, result, flaws }
  }

  #checkBucket(cells: readonly Cell[]): void {
    const folder = join(this.#ground.server.dir, this.#parts.bucket)
    const found = (key: string) => {
      const path = join(folder, key)
      return existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined
    }
    const { isBlind, isBeyondDigests } = this.#parts.faultCase
    const touched = new Set<string>()
    for (const { task, result, flaws } of cells) {
      for (const key of task.keys) touched.add(key)
      const wrong = task.judge(found, { isOk: result.error === undefined })
      const isExcused = isBlind || (isBeyondDigests && task.name === 'patch large')
      if (!isExcused) flaws.push(...wrong.map((flaw) => `${flaw} after ${task.name}`))
    }
    for (const [key, content] of this.#seeded) {
      if (touched.has(key)) continue
      const bytes = found(key)
      if (!bytes) this.#flaws.push(`LOST ${key}, which nobody touched`)
      else if (!bytes.equals(bytesOf(content))) this.#flaws.push(`CORRUPT ${key} untouched`)
    }
    const known = new Set([...touched, ...this.#seeded.keys()])
    const extra = keysBelow(folder).filter((key) => !known.has(key))
    if (isBlind) this.#checkNothingLost(folder, cells)
    else this.#flaws.push(...extra.map((key) => `EXTRA ${key}`))
  }

  /** Whoever does not see what is there cannot name it right; but it must be somewhere. */
  #checkNothingLost(folder: string, cells: readonly Cell[]): void {
    const hashes = new Set(keysBelow(folder).map((key) => sha256(readFileSync(join(folder, key)))))
    for (const { task, result } of cells) {
      if (task.name !== 'overwrite' && task.name !== 'write') continue
      const made = task.task('')
      if (result.error !== undefined || made.do !== 'write') continue
      if (!hashes.has(sha256(bytesOf(made.content)))) this.#flaws.push(`LOST ${task.keys[0]}`)
    }
    for (const [key, content] of this.#seeded) {
      const isMeant = /\/(tree|over)\//.test(key) || key === 'known/large/patch'
      if (!isMeant && !hashes.has(sha256(bytesOf(content)))) this.#flaws.push(`LOST ${key}`)
    }
  }

  async #checkUploads(): Promise<void> {
    const { s3 } = this.#ground
    const deadline = performance.now() + UPLOADS_GONE_MS_MAX
    for (;;) {
      const open = await s3.openUploads(this.#parts.bucket)
      if (open.length === 0) return
      if (performance.now() > deadline) {
        this.#flaws.push(`LEFT OPEN uploads of ${open.join(', ')}`)
        return
      }
      await sleep(POLL_MS)
    }
  }

  /** The folder shows what is in the bucket, and its content. */
  async #checkView(): Promise<void> {
    const { mount, bucket } = this.#parts
    const folder = join(this.#ground.server.dir, bucket)
    const expected = keysBelow(folder)
    const deadline = performance.now() + VIEW_MS_MAX
    let shown: string[] = []
    for (;;) {
      shown = await pathsBelow(mount.dir).then(
        ({ files }) => files,
        (thrown) => [String(thrown)],
      )
      if (shown.join('\n') === expected.join('\n')) break
      if (performance.now() > deadline) {
        const missing = expected.filter((key) => !shown.includes(key))
        const more = shown.filter((key) => !expected.includes(key))
        this.#flaws.push(`VIEW lacks [${missing.slice(0, 5)}], has [${more.slice(0, 5)}]`)
        return
      }
      await sleep(POLL_MS)
    }
    const small = expected.filter((key) => statSync(join(folder, key)).size <= VIEW_BYTES_MAX)
    const [there, here] = await Promise.all([
      hashesOf(small, (key) => hashOfFile(join(folder, key))),
      hashesOf(small, (key) => hashOfFile(mount.path(key)).catch(String)),
    ])
    for (const key of small) {
      if (there[key] !== here[key]) this.#flaws.push(`CORRUPT ${key} in the folder: ${here[key]}`)
    }
  }

  /** Bytes that nothing covered when they were read are compared afterwards, and fetched again. */
  async #checkLarge(): Promise<void> {
    const { mount, faultCase } = this.#parts
    const content = this.#seeded.get(LARGE_READ)
    if (!faultCase.isBeyondDigests || !content) return
    const expected = sha256(bytesOf(content))
    const deadline = performance.now() + VIEW_MS_MAX
    for (;;) {
      const found = await hashOfFile(mount.path(LARGE_READ)).catch(String)
      if (found === expected) return
      if (performance.now() > deadline) {
        this.#flaws.push(`CORRUPT ${LARGE_READ} stays wrong: ${found}`)
        return
      }
      await sleep(POLL_MS)
    }
  }

  async #checkEngine(): Promise<void> {
    const { mount } = this.#parts
    const view = (await mount.status()).mounts[0]
    if (view?.state !== 'mounted') this.#flaws.push(`STATE ${view?.state}: ${view?.reason}`)
    for (const { path, code } of view?.errors ?? []) this.#flaws.push(`ERROR LEFT ${path} ${code}`)
    for (const line of bugsIn(mount.dataDir)) this.#flaws.push(`BUG ${line.slice(0, 600)}`)
  }
}

/** Answers that are neither right nor an error that says that it cannot be known. */
function liesOf(task: Planned, result: FileResult, what: string): string[] {
  if (result.error !== undefined) {
    const isLie = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(result.error)
    return isLie ? [`LIE ${what}: ${result.failed} ${result.error}`] : []
  }
  if (task.names && task.names.join('\n') !== (result.names ?? []).join('\n')) {
    return [`LIE ${what}: ${result.names?.length} names`]
  }
  if (task.sizeBytes !== undefined && task.sizeBytes !== result.sizeBytes) {
    return [`LIE ${what}: ${result.sizeBytes} bytes`]
  }
  return []
}

async function pathsBelowWith(worker: FileWorker, path: string): Promise<void> {
  const { names = [] } = await worker.run({ do: 'list', path })
  for (const name of names) {
    const below = join(path, name)
    const { error } = await worker.run({ do: 'list', path: below })
    if (error === undefined) await pathsBelowWith(worker, below)
  }
}

/** Objects, not folders; without what the server keeps for itself. */
function keysBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((key) => !key.startsWith('.sgwtmp'))
    .sort()
}

function bugsIn(dataDir: string): string[] {
  const logs = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.includes('.log'),
  )
  return logs.flatMap((entry) =>
    readFileSync(join(entry.parentPath, entry.name), 'utf8')
      .split('\n')
      .filter((line) => DEFECTS.test(line)),
  )
}
