/**
 * A program that works in a mounted folder for hours: makes, changes, moves, removes and reads files,
 * and knows what every one of them must hold.
 *
 * Keeps: what it read is compared at once; an operation that failed leaves both states possible, and
 *        nothing in between; its files and their bytes have limits, so that what grows is Pail's.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { type Dice, KIB, MIB } from './tree.ts'

const FILES_MAX = 120
const FOLDERS = 4
const SIZES = [0, 1, 100, 4 * KIB, 20 * KIB, 300 * KIB, MIB + 1]
const LARGE_SIZES = [5 * MIB, 17 * MIB + 3]
const LARGE_SHARE = 0.02
const HISTORY_MAX = 8
const FILE_BYTES_MAX = 20 * MIB
/** What a call says when the engine is gone, or the network while it is needed. */
const EXCUSED = /^(ENOTCONN|ECONNABORTED|EIO|ENODEV|ENXIO|ESTALE|EINTR)$/

/** undefined: no such file. */
type Content = Buffer | undefined

export type EndureCounts = { done: number; read: number; excused: number }

export class EndureProgram {
  readonly counts: EndureCounts = { done: 0, read: 0, excused: 0 }
  /** What is not as it must be; in words. */
  readonly wrong: string[] = []
  readonly #dir: string
  readonly #dice: Dice
  /** Objects that were there before, only read: what comes into the cache and goes again. */
  readonly #library: ReadonlyMap<string, Buffer>
  readonly #files = new Map<string, Buffer>()
  /** Paths of an operation that failed, and what they may hold. */
  readonly #unsure = new Map<string, readonly Content[]>()
  readonly #folders = Array.from({ length: FOLDERS }, (_, index) => `f${index}`)
  /** A folder whose rename failed: it has one of two names. */
  #unsureFolder: { readonly index: number; readonly to: string } | undefined
  readonly #history = new Map<string, string[]>()
  readonly #now: () => number
  readonly #renamesFolders: boolean
  #next = 0

  /** @param dir of its own, below the mount */
  constructor(
    dir: string,
    dice: Dice,
    parts: {
      readonly library: ReadonlyMap<string, Buffer>
      readonly nowSeconds: () => number
      readonly renamesFolders: boolean
    },
  ) {
    this.#dir = dir
    this.#now = parts.nowSeconds
    this.#renamesFolders = parts.renamesFolders
    this.#dice = dice
    this.#library = parts.library
  }

  /** Paths below its folder, with what they hold. */
  get files(): ReadonlyMap<string, Buffer> {
    return this.#files
  }

  async prepare(): Promise<void> {
    for (const folder of this.#folders) await fs.mkdir(join(this.#dir, folder), { recursive: true })
  }

  /** One operation. @returns false when it was excused: the engine or the network is away */
  async step(): Promise<boolean> {
    try {
      await this.settle()
      await this.#operation()
      this.counts.done++
      return true
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? ''
      if (EXCUSED.test(code)) this.counts.excused++
      else this.wrong.push(`refused: ${String(thrown)}`)
      return false
    }
  }

  /** Looks at what operations left open that failed; throws as long as that cannot be seen. */
  async settle(): Promise<void> {
    await this.#settleFolder()
    for (const [path, possible] of this.#unsure) {
      const seen = await this.#contentAt(path)
      const isFine = possible.some((one) => isSame(one, seen))
      this.#note(path, `cut off, found ${wordOf(seen)}`)
      if (!isFine) this.#blame('torn', path)
      this.#set(path, seen)
      this.#unsure.delete(path)
    }
  }

  async #settleFolder(): Promise<void> {
    if (this.#unsureFolder === undefined) return
    const { index, to } = this.#unsureFolder
    const names = await fs.readdir(this.#dir)
    if (names.includes(to)) this.#folders[index] = to
    const isThere = names.includes(this.#folders[index] ?? '')
    if (!isThere) this.wrong.push(`lost: folder ${this.#folders[index]}, or ${to}`)
    this.#unsureFolder = undefined
  }

  /** Everything, read and compared; throws as long as something cannot be read. */
  async compareAll(): Promise<void> {
    await this.settle()
    for (const path of this.#files.keys()) await this.#compare(path)
    const shown = (await fs.readdir(this.#dir, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#dir.length + 1))
    for (const path of shown) if (!this.#files.has(path)) this.#blame('unknown', path)
  }

  async #operation(): Promise<void> {
    const dice = this.#dice
    const paths = [...this.#files.keys()]
    const chance = dice.below(100)
    if (chance < 8) return this.#readLibrary()
    if (paths.length < 10 || (chance < 30 && paths.length < FILES_MAX)) return this.#create()
    const path = dice.pick(paths)
    if (chance < 42) return this.#remove(path)
    if (chance < 50) return this.#write(path, this.#newContent())
    if (chance < 58) return this.#append(path)
    if (chance < 65) return this.#patch(path)
    if (chance < 69) return this.#truncate(path)
    if (chance < 76) return this.#move(path, this.#newPath())
    if (chance < 80) return this.#move(path, dice.pick(paths))
    if (chance < 84) return this.#list()
    if (chance < 86) return this.#folder()
    if (chance < 88 && this.#renamesFolders) return this.#moveFolder()
    return this.#compare(path)
  }

  #create(): Promise<void> {
    return this.#write(this.#newPath(), this.#newContent())
  }

  #write(path: string, content: Buffer): Promise<void> {
    return this.#change({ [path]: content }, () => fs.writeFile(join(this.#dir, path), content))
  }

  #append(path: string): Promise<void> {
    const more = this.#dice.bytes(1 + this.#dice.below(8 * KIB))
    const content = Buffer.concat([this.#known(path), more])
    if (content.length > FILE_BYTES_MAX) return this.#remove(path)
    return this.#change({ [path]: content }, () => fs.appendFile(join(this.#dir, path), more))
  }

  #patch(path: string): Promise<void> {
    const content = Buffer.from(this.#known(path))
    const piece = this.#dice.bytes(Math.min(content.length, 1 + this.#dice.below(10 * KIB)))
    const at = this.#dice.below(content.length - piece.length + 1)
    piece.copy(content, at)
    return this.#change({ [path]: content }, async () => {
      const file = await fs.open(join(this.#dir, path), 'r+')
      try {
        if (piece.length > 0) await file.write(piece, 0, piece.length, at)
      } finally {
        await file.close()
      }
    })
  }

  #truncate(path: string): Promise<void> {
    const content = this.#known(path)
    const shorter = content.subarray(0, this.#dice.below(content.length + 1))
    return this.#change({ [path]: Buffer.from(shorter) }, () =>
      fs.truncate(join(this.#dir, path), shorter.length),
    )
  }

  #remove(path: string): Promise<void> {
    return this.#change({ [path]: undefined }, () => fs.unlink(join(this.#dir, path)))
  }

  async #move(from: string, to: string): Promise<void> {
    if (from === to) return
    await this.#change({ [from]: undefined, [to]: this.#known(from) }, () =>
      fs.rename(join(this.#dir, from), join(this.#dir, to)),
    )
  }

  async #moveFolder(): Promise<void> {
    const index = this.#dice.below(FOLDERS)
    const from = this.#folders[index] ?? ''
    const to = `g${this.#next++}`
    const changes: Record<string, Content> = {}
    for (const [path, content] of this.#files) {
      if (!path.startsWith(`${from}/`)) continue
      changes[path] = undefined
      changes[`${to}${path.slice(from.length)}`] = content
    }
    this.#unsureFolder = { index, to }
    await this.#change(changes, () => fs.rename(join(this.#dir, from), join(this.#dir, to)))
    this.#folders[index] = to
    this.#unsureFolder = undefined
  }

  async #list(): Promise<void> {
    const folder = this.#dice.pick(this.#folders)
    const names = await fs.readdir(join(this.#dir, folder))
    const expected = [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`))
    const shown = names.map((name) => `${folder}/${name}`)
    for (const path of shown) if (!this.#files.has(path)) this.#blame('listed', path)
    for (const path of expected) if (!shown.includes(path)) this.#blame('not listed', path)
  }

  async #folder(): Promise<void> {
    const folder = join(this.#dir, `made-${this.#next++}`)
    await fs.mkdir(folder)
    await fs.rmdir(folder)
  }

  async #readLibrary(): Promise<void> {
    const path = this.#dice.pick([...this.#library.keys()])
    const content = await fs.readFile(path)
    this.counts.read += content.length
    if (!this.#library.get(path)?.equals(content)) this.wrong.push(`corrupt: ${path}`)
  }

  async #compare(path: string): Promise<void> {
    const content = await this.#contentAt(path)
    this.counts.read += content?.length ?? 0
    if (isSame(content, this.#files.get(path))) return
    this.#note(path, `found ${wordOf(content)}`)
    this.#blame(content === undefined ? 'lost' : 'corrupt', path)
  }

  async #change(changes: Readonly<Record<string, Content>>, work: () => Promise<void>) {
    for (const [path, content] of Object.entries(changes)) {
      this.#unsure.set(path, [this.#files.get(path), content])
    }
    await work()
    for (const [path, content] of Object.entries(changes)) {
      this.#note(path, wordOf(content))
      this.#set(path, content)
      this.#unsure.delete(path)
    }
  }

  #note(path: string, what: string): void {
    const history = [...(this.#history.get(path) ?? []), `${this.#now().toFixed(1)} s ${what}`]
    this.#history.set(path, history.slice(-HISTORY_MAX))
  }

  #blame(what: string, path: string): void {
    const history = this.#history.get(path) ?? []
    this.wrong.push(`${what}: ${path} at ${this.#now().toFixed(1)} s [${history.join(', ')}]`)
  }

  #set(path: string, content: Content): void {
    if (content === undefined) this.#files.delete(path)
    else this.#files.set(path, content)
  }

  #known(path: string): Buffer {
    return this.#files.get(path) ?? Buffer.alloc(0)
  }

  async #contentAt(path: string): Promise<Content> {
    try {
      return await fs.readFile(join(this.#dir, path))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown
    }
  }

  #newPath(): string {
    return `${this.#dice.pick(this.#folders)}/${this.#next++}`
  }

  #newContent(): Buffer {
    const isLarge = this.#dice.below(1000) < LARGE_SHARE * 1000
    return this.#dice.bytes(this.#dice.pick(isLarge ? LARGE_SIZES : SIZES))
  }
}

function wordOf(content: Content): string {
  return content === undefined ? 'none' : `${content.length} bytes`
}

function isSame(one: Content, other: Content): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other)
}
