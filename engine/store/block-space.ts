/**
 * Room on the disk, promised before it is used.
 *
 * Keeps: bytes used plus bytes promised, without pinned ones, never exceed the cap; a promise leaves the free-disk floor
 *        untouched. Both hold before a fetch begins, so that a fetch cannot fill the disk.
 * Never: evicts by itself; it asks `makeRoom`, which knows what may go.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'

type DiskSpace = Awaited<ReturnType<Disk['space']>>

export type SpaceLimits = {
  /** Cached bytes never take more than this. Pinned ones do not count, nor what waits to upload. */
  readonly cacheBytesMax: number
  /** Free bytes that are never touched. Default: a tenth of the disk, at most ten gigabytes. */
  readonly freeBytesMin?: number
}

export type SpaceOfDisk = DiskSpace & { readonly floorBytes: number }

const FREE_SHARE_MIN = 0.1
/** What systems and programs need does not grow with the disk. */
const USUAL_FREE_BYTES_MAX = 10 * 1000 ** 3
/** A program's own writes may go below the cache's floor, down to this. */
export const STAGING_FREE_BYTES_MIN = 64 * 1024 * 1024

/**
 * A look at the free space is believed for so long, as long as so little was promised after it and
 * so much lies above the floor: a small file needs no look of its own.
 */
const LOOK_BELIEVED_MS = 250
const LOOK_BELIEVED_BYTES = 64 * 1024 * 1024
const LOOK_MARGIN_BYTES = 1024 * 1024 * 1024

/**
 * `cache`: bytes that can be fetched again. `staging`: bytes a program wrote; a lower floor.
 * `pin`: bytes a person wants here; not under the cap, which is for what comes and goes by itself.
 */
export type SpacePurpose = 'cache' | 'staging' | 'pin'

/** A promise of room. What is not taken is given back by `release`. */
export interface Reservation {
  /** Bytes promised and not taken yet. */
  readonly bytes: number
  release(): void
}

export class CacheSpace {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #folder: string
  #limits: SpaceLimits
  readonly #makeRoom: (bytes: number) => Promise<void>
  readonly #evictableBytes: () => number
  #usedBytes = 0
  #promisedBytes = 0
  /** Of these, for pins. */
  #promisedPinBytes = 0
  #look: { readonly space: DiskSpace; readonly untilMs: number } | undefined
  #bytesSinceLook = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(options: {
    disk: Disk
    clock: Clock
    folder: string
    limits: SpaceLimits
    /** Frees at least so many bytes when it can. */
    makeRoom: (bytes: number) => Promise<void>
    evictableBytes: () => number
  }) {
    this.#disk = options.disk
    this.#clock = options.clock
    this.#folder = options.folder
    this.#limits = options.limits
    this.#makeRoom = options.makeRoom
    this.#evictableBytes = options.evictableBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get promisedBytes(): number {
    return this.#promisedBytes
  }

  setLimits(limits: SpaceLimits): void {
    this.#limits = limits
  }

  changeUsed(bytes: number): void {
    this.#usedBytes += bytes
  }

  /**
   * @throws PailError `store/cache-full` when what may be evicted does not make room under the cap,
   *         `store/disk-full` when the disk would be left with less than the floor
   */
  reserve(bytes: number, purpose: SpacePurpose): Promise<Reservation> {
    const mine = this.#turn.then(() => this.#reserve(bytes, purpose))
    this.#turn = mine.then(
      () => {},
      () => {},
    )
    return mine
  }

  /** Turns `bytes` of a promise into bytes used. A promise too small is topped up silently. */
  take(reservation: Reservation, bytes: number): void {
    if (reservation instanceof Promised) reservation.shrink(bytes)
    this.#usedBytes += bytes
  }

  async #reserve(bytes: number, purpose: SpacePurpose): Promise<Reservation> {
    if (purpose !== 'pin') await this.#fitUnderCap(bytes)
    await this.#keepFloor(bytes, purpose)
    return this.#promise(bytes, purpose)
  }

  #excess(bytes: number): number {
    const promised = this.#promisedBytes - this.#promisedPinBytes
    return this.#evictableBytes() + promised + bytes - this.#limits.cacheBytesMax
  }

  async #fitUnderCap(bytes: number): Promise<void> {
    const excess = this.#excess(bytes)
    if (excess <= 0) return
    if (excess <= this.#evictableBytes()) await this.#makeRoom(excess)
    if (this.#excess(bytes) > 0) {
      throw new PailError('store/cache-full', `no room for ${bytes} bytes`, {
        capBytes: this.#limits.cacheBytesMax,
      })
    }
  }

  async #keepFloor(bytes: number, purpose: SpacePurpose): Promise<void> {
    const short = await this.#belowFloor(bytes, purpose)
    if (short <= 0) return
    if (short <= this.#evictableBytes()) await this.#makeRoom(short)
    if ((await this.#belowFloor(bytes, purpose)) > 0) {
      throw new PailError('store/disk-full', `${bytes} bytes would leave too little free`, {})
    }
  }

  /** Bytes that pins may still take: down to the floor, and what comes and goes makes way. */
  async roomForPinsBytes(): Promise<number> {
    return Math.max(0, this.#evictableBytes() - (await this.#belowFloor(0, 'pin')))
  }

  /** Bytes over the cap, for instance after a pin was taken away. */
  get excessBytes(): number {
    return this.#excess(0)
  }

  async #belowFloor(bytes: number, purpose: SpacePurpose): Promise<number> {
    const believed = this.#short(this.#believedSpace(bytes), bytes, purpose)
    if (believed < -LOOK_MARGIN_BYTES) return believed
    const space = await this.#disk.space(this.#folder)
    this.#look = { space, untilMs: this.#clock.monotonicMs() + LOOK_BELIEVED_MS }
    this.#bytesSinceLook = bytes
    return this.#short(space, bytes, purpose)
  }

  #believedSpace(bytes: number): DiskSpace | undefined {
    this.#bytesSinceLook += bytes
    const isBelieved = this.#bytesSinceLook <= LOOK_BELIEVED_BYTES
    if (!this.#look || !isBelieved || this.#clock.monotonicMs() >= this.#look.untilMs) return
    return this.#look.space
  }

  /** Not known counts as short of everything. */
  #short(space: DiskSpace | undefined, bytes: number, purpose: SpacePurpose): number {
    if (!space) return Number.POSITIVE_INFINITY
    const usual = this.#floorBytes(space)
    const floor = purpose === 'staging' ? Math.min(usual, STAGING_FREE_BYTES_MIN) : usual
    return floor - (space.freeBytes - this.#promisedBytes - bytes)
  }

  /** The disk as it is now, and how much of it stays free of what is fetched. */
  async ofDisk(): Promise<SpaceOfDisk> {
    const space = await this.#disk.space(this.#folder)
    return { ...space, floorBytes: this.#floorBytes(space) }
  }

  #floorBytes({ totalBytes }: DiskSpace): number {
    const usual = Math.min(Math.floor(totalBytes * FREE_SHARE_MIN), USUAL_FREE_BYTES_MAX)
    return this.#limits.freeBytesMin ?? usual
  }

  #promise(bytes: number, purpose: SpacePurpose): Reservation {
    const count = (change: number) => {
      this.#promisedBytes += change
      if (purpose === 'pin') this.#promisedPinBytes += change
    }
    count(bytes)
    return new Promised(bytes, count)
  }
}

class Promised implements Reservation {
  #bytes: number
  readonly #count: (change: number) => void

  constructor(bytes: number, count: (change: number) => void) {
    this.#bytes = bytes
    this.#count = count
  }

  get bytes(): number {
    return this.#bytes
  }

  shrink(bytes: number): void {
    const less = Math.min(bytes, this.#bytes)
    this.#bytes -= less
    this.#count(-less)
  }

  release(): void {
    this.shrink(this.#bytes)
  }
}
