/**
 * Hours of work in one mounted folder, on a network that fails now and then and under an engine that is
 * killed in the first part; counts what was wrong, and whether anything grows that must not.
 *
 * Used by test/mount/endure.test.ts in short, and by the soak in long.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheView } from '../../shared/cache-contract.ts'
import { EndureProgram } from './endure-program.ts'
import { type Fault, FaultProxy } from './fault-proxy.ts'
import {
  answered,
  errorReply,
  lostReply,
  portalPage,
  resetAtOnce,
  resetInReply,
  silence,
  slowReply,
  stalledReply,
} from './faults.ts'
import { type PailHome, startPail } from './pail-mount.ts'
import { type PlainS3, plainS3Client } from './s3-client.ts'
import { Dice, KIB, MIB } from './tree.ts'
import type { Versitygw } from './versitygw.ts'

export type EndureOptions = {
  readonly seed: number
  readonly server: Versitygw
  /** Exists and is empty. */
  readonly bucket: string
  /** The engine is killed and started again in this part... */
  readonly killedMs: number
  readonly killEveryMs: number
  /** ...and lives through this one, whose first third is for warming up. */
  readonly steadyMs: number
  readonly faultEveryMs: number
  readonly faultMs: number
  readonly renamesFolders: boolean
  readonly onSample?: (sample: EndureSample) => void
}

export type EndureSample = {
  readonly atSeconds: number
  readonly isSteady: boolean
  readonly residentBytes: number
  readonly descriptors: number
  readonly cachedBytes: number
  readonly done: number
}

export type EndureFigures = {
  readonly operations: number
  readonly readBytes: number
  readonly excused: number
  readonly kills: number
  readonly faults: number
  readonly wrong: readonly string[]
  /** The last kills and faults, with their times, for a person who looks into what was wrong. */
  readonly events: readonly string[]
  /** Medians of the second and of the last third of the steady part. */
  readonly resident: { readonly beforeBytes: number; readonly afterBytes: number }
  readonly descriptors: { readonly before: number; readonly after: number }
  readonly cachedBytesMax: number
}

const LIMIT_BYTES = 200_000_000
const PROGRAMS = 3
/** Half as much again as the cache may hold. */
const LIBRARY_OBJECTS = 30
const LIBRARY_BYTES = 10 * MIB + 11
const SAMPLE_MS = 5_000
const POLL_MS = 250
const AWAY_MS = 200
const DRAIN_SECONDS_MAX = 180
const COMPARE_TRIES = 60
const EVENTS_MAX = 100
const CLEAN_MS_MAX = 20_000

const FAULTS: ReadonlyArray<readonly [string, Fault]> = [
  ['503', answered(errorReply(503, 'SlowDown'))],
  ['500', answered(errorReply(500, 'InternalError'))],
  ['reset at once', resetAtOnce],
  ['reset in reply', resetInReply],
  ['lost reply', lostReply],
  ['silence', silence],
  ['stalled reply', stalledReply],
  ['sign-in page', portalPage],
  ['slow reply', slowReply(8 * KIB, 20)],
]

export async function endure(options: EndureOptions): Promise<EndureFigures> {
  const s3 = plainS3Client(options.server)
  const proxy = await FaultProxy.start(options.server)
  const library = await storeLibrary(s3, options)
  const server = { ...options.server, url: proxy.url }
  const mount = await startPail({ server, bucket: options.bucket, confirmDeletes: false })
  try {
    const { code, stderr } = await mount.pail.run(['cache', '--limit', `${LIMIT_BYTES / 1e6}MB`])
    if (code !== 0) throw new Error(stderr)
    return await new Endurance(options, { s3, proxy, mount }, library).run()
  } finally {
    await mount.cleanUp()
    await proxy.stop()
    s3.close()
  }
}

async function storeLibrary(s3: PlainS3, { bucket, seed }: EndureOptions) {
  const dice = new Dice(seed + 1)
  const library = new Map<string, Buffer>()
  for (let index = 0; index < LIBRARY_OBJECTS; index++) {
    const key = `library/${index}`
    library.set(key, dice.bytes(LIBRARY_BYTES))
    await s3.put(bucket, key, library.get(key) ?? '')
  }
  return library
}

type Parts = { readonly s3: PlainS3; readonly proxy: FaultProxy; readonly mount: PailHome }

class Endurance {
  readonly #options: EndureOptions
  readonly #parts: Parts
  readonly #library: ReadonlyMap<string, Buffer>
  readonly #programs: readonly EndureProgram[]
  readonly #dice: Dice
  readonly #samples: EndureSample[] = []
  readonly #startMs = performance.now()
  readonly #wrong: string[] = []
  readonly #events: string[] = []
  #isAway = false
  #isOver = false
  /** Programs amid an operation. */
  #working = 0
  #kills = 0
  #faults = 0

  constructor(options: EndureOptions, parts: Parts, library: ReadonlyMap<string, Buffer>) {
    this.#options = options
    this.#parts = parts
    this.#library = library
    this.#dice = new Dice(options.seed)
    const read = new Map([...library].map(([key, bytes]) => [parts.mount.path(key), bytes]))
    this.#programs = Array.from(
      { length: PROGRAMS },
      (_, index) =>
        new EndureProgram(parts.mount.path(`p${index}`), new Dice(options.seed + 10 + index), {
          library: read,
          nowSeconds: () => this.#elapsedMs / 1000,
          renamesFolders: options.renamesFolders,
        }),
    )
  }

  async run(): Promise<EndureFigures> {
    for (const program of this.#programs) await program.prepare()
    const working = Promise.all([
      ...this.#programs.map((program) => this.#work(program)),
      this.#sampling(),
      this.#failing(),
    ])
    // Seen below, in the end.
    working.catch(() => {})
    await this.#killing()
    await this.#until(this.#options.killedMs + this.#options.steadyMs)
    this.#isOver = true
    await working
    this.#parts.proxy.heal()
    await this.#checkEnd()
    return this.#figures()
  }

  async #work(program: EndureProgram): Promise<void> {
    while (!this.#isOver) {
      const isFine = !this.#isAway && (await this.#step(program))
      if (!isFine) await sleep(AWAY_MS)
    }
  }

  async #step(program: EndureProgram): Promise<boolean> {
    this.#working++
    return program.step().finally(() => this.#working--)
  }

  async #killing(): Promise<void> {
    const { mount } = this.#parts
    while (this.#elapsedMs + this.#options.killEveryMs < this.#options.killedMs) {
      await sleep(this.#options.killEveryMs)
      this.#isAway = true
      this.#note('kill')
      await mount.kill9()
      // Whoever looks while nothing is mounted sees the bare folder, in which nothing is.
      while (this.#working > 0) await sleep(POLL_MS)
      await mount.remount()
      this.#note('again')
      this.#isAway = false
      this.#kills++
    }
  }

  async #failing(): Promise<void> {
    const { proxy } = this.#parts
    const { faultEveryMs, faultMs } = this.#options
    while (!this.#isOver) {
      await this.#pause(faultEveryMs - faultMs)
      if (this.#isOver) return
      const [name, fault] = this.#dice.pick(FAULTS)
      proxy.spoil({ fault })
      this.#note(name)
      this.#faults++
      await this.#pause(faultMs)
      proxy.heal()
      this.#note('healed')
      proxy.forget()
    }
  }

  async #sampling(): Promise<void> {
    while (!this.#isOver) {
      await this.#pause(SAMPLE_MS)
      const sample = await this.#sample().catch(() => undefined)
      if (sample === undefined) continue
      this.#samples.push(sample)
      this.#options.onSample?.(sample)
    }
  }

  async #sample(): Promise<EndureSample> {
    const { mount } = this.#parts
    const proc = `/proc/${mount.enginePid()}`
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1]
    const room = JSON.parse((await mount.pail.run(['cache', '--json'])).stdout) as CacheView
    return {
      atSeconds: Math.round(this.#elapsedMs / 1000),
      isSteady: this.#elapsedMs > this.#options.killedMs,
      residentBytes: Number(kilobytes) * KIB,
      descriptors: readdirSync(`${proc}/fd`).length,
      cachedBytes: room.cachedBytes,
      done: this.#programs.reduce((sum, { counts }) => sum + counts.done, 0),
    }
  }

  async #checkEnd(): Promise<void> {
    const { mount, s3 } = this.#parts
    const { bucket } = this.#options
    await mount.flush(DRAIN_SECONDS_MAX).catch((thrown) => {
      this.#wrong.push(`does not drain: ${String(thrown)}`)
    })
    for (const program of this.#programs) await this.#compare(program)
    const expected = new Map(this.#library)
    for (const [index, { files }] of this.#programs.entries()) {
      for (const [path, content] of files) expected.set(`p${index}/${path}`, content)
    }
    // What an upload left behind whose answer was lost is taken away a little later.
    const deadline = performance.now() + CLEAN_MS_MAX
    let wrong = await this.#wrongInBucket(expected)
    while (wrong.length > 0 && performance.now() < deadline) {
      await sleep(POLL_MS)
      wrong = await this.#wrongInBucket(expected)
    }
    this.#wrong.push(...wrong)
    const open = await s3.openUploads(bucket)
    this.#wrong.push(...open.map((key) => `upload left open: ${key}`))
    const view = (await mount.status()).mounts[0]
    if (view?.state !== 'mounted' || view.pendingFiles > 0 || view.errors.length > 0) {
      this.#wrong.push(`in the end: ${JSON.stringify(view)?.slice(0, 2000)}`)
    }
  }

  async #wrongInBucket(expected: ReadonlyMap<string, Buffer>): Promise<string[]> {
    const { s3 } = this.#parts
    const { bucket } = this.#options
    const keys = (await s3.list(bucket)).map(({ key }) => key).filter((key) => !key.endsWith('/'))
    const wrong = keys.filter((key) => !expected.has(key)).map((key) => `bucket has ${key}`)
    for (const [key, content] of expected) {
      const found = keys.includes(key) ? Buffer.from(await s3.get(bucket, key)) : undefined
      if (!found?.equals(content)) wrong.push(`bucket ${found ? 'corrupt' : 'lost'}: ${key}`)
    }
    return wrong
  }

  async #compare(program: EndureProgram): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await program.compareAll()
      } catch (thrown) {
        if (tries >= COMPARE_TRIES) throw thrown
        await sleep(POLL_MS)
      }
    }
  }

  #figures(): EndureFigures {
    const { killedMs, steadyMs } = this.#options
    const partOf = (from: number, to: number) =>
      this.#samples.filter(({ atSeconds }) => {
        const share = (atSeconds * 1000 - killedMs) / steadyMs
        return share >= from && share < to
      })
    const [middle, last] = [partOf(1 / 3, 2 / 3), partOf(2 / 3, 2)]
    const sum = (of: (program: EndureProgram) => number) =>
      this.#programs.reduce((total, program) => total + of(program), 0)
    const resident = ({ residentBytes }: EndureSample) => residentBytes
    const descriptors = (sample: EndureSample) => sample.descriptors
    return {
      operations: sum(({ counts }) => counts.done),
      readBytes: sum(({ counts }) => counts.read),
      excused: sum(({ counts }) => counts.excused),
      kills: this.#kills,
      faults: this.#faults,
      wrong: [...this.#programs.flatMap(({ wrong }) => wrong), ...this.#wrong],
      events: this.#events.slice(-EVENTS_MAX),
      resident: { beforeBytes: median(middle, resident), afterBytes: median(last, resident) },
      descriptors: { before: median(middle, descriptors), after: median(last, descriptors) },
      cachedBytesMax: Math.max(0, ...this.#samples.map(({ cachedBytes }) => cachedBytes)),
    }
  }

  #note(what: string): void {
    this.#events.push(`${(this.#elapsedMs / 1000).toFixed(1)} s ${what}`)
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  async #until(elapsedMs: number): Promise<void> {
    await sleep(Math.max(0, elapsedMs - this.#elapsedMs))
  }

  /** Ends early when all is over. */
  async #pause(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms
    while (!this.#isOver && this.#elapsedMs < end) await sleep(Math.min(POLL_MS, ms))
  }
}

function median<T>(items: readonly T[], of: (item: T) => number): number {
  const sorted = items.map(of).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

export const ENDURE_LIMIT_BYTES = LIMIT_BYTES
