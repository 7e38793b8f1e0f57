/**
 * Local folders as strings: suggested, chosen by the person, opened by a program of the system.
 *
 * Keeps: the window cannot name a folder that the person did not choose in the system's dialog,
 *        other than those below `~/Pail`.
 * Never: touches a path inside a mount: no stat, no realpath, no `shell.openPath`.
 */
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { PailError } from '../shared/errors.ts'

const NAME_TRIES_MAX = 1000

export type FoldersParts = {
  readonly home: string
  readonly platform: NodeJS.Platform
  /** Shows the system's dialog; undefined when the person cancels. */
  readonly askPerson: () => Promise<string | undefined>
  /** Starts a program on its own and does not wait for it. */
  readonly launch: (program: string, argv: readonly string[]) => Promise<void>
}

export class Folders {
  readonly #parts: FoldersParts
  readonly #chosen = new Set<string>()

  constructor(parts: FoldersParts) {
    this.#parts = parts
  }

  async choose(): Promise<string | null> {
    const dir = await this.#parts.askPerson()
    if (dir === undefined) return null
    this.#chosen.add(dir)
    return dir
  }

  /** A free name below `~/Pail`; `taken` are the folders in use. */
  suggest(bucket: string, taken: readonly string[]): string {
    const name = folderName(bucket)
    for (let number = 1; number < NAME_TRIES_MAX; number++) {
      const dir = join(this.#defaultPlace, number === 1 ? name : `${name}-${number}`)
      if (!taken.includes(dir)) return dir
    }
    throw new PailError('input/invalid', 'too many folders of one name')
  }

  isDefaultPlace(dir: string): boolean {
    return normalize(dir).startsWith(this.#defaultPlace + sep)
  }

  /** @throws PailError `input/invalid` for a folder that did not come from the person */
  assertPersonChose(dir: string): void {
    const isPlain = isAbsolute(dir) && normalize(dir) === dir
    if (isPlain && (this.#chosen.has(dir) || this.isDefaultPlace(dir))) return
    throw new PailError('input/invalid', 'the folder was not chosen in the dialog', { dir })
  }

  /** Opens `dir` in the file manager, which runs apart: this process must not wait on a mount. */
  open(dir: string): Promise<void> {
    const { platform, launch } = this.#parts
    if (platform === 'darwin') return launch('/usr/bin/open', [dir])
    if (platform === 'win32') return launch('explorer.exe', [dir])
    return launch('xdg-open', [dir])
  }

  /**
   * Shows a file of one of the mounted folders among its neighbours.
   *
   * @throws PailError `mount/not-mounted` for a path outside of them
   */
  reveal(path: string, mounted: readonly string[]): Promise<void> {
    const isBelow = (dir: string) => path.startsWith(dir + sep)
    if (normalize(path) !== path || !mounted.some(isBelow)) {
      throw new PailError('mount/not-mounted', 'not in a mounted folder', { path })
    }
    const { platform, launch } = this.#parts
    if (platform === 'darwin') return launch('/usr/bin/open', ['-R', path])
    if (platform === 'win32') return launch('explorer.exe', [`/select,${path}`])
    return launch('xdg-open', [dirname(path)])
  }

  get #defaultPlace(): string {
    return join(this.#parts.home, 'Pail')
  }
}

/** A bucket's name as a folder's name: no separators, no dots in front. */
function folderName(bucket: string): string {
  const name = bucket.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '')
  return name === '' ? 'bucket' : name
}
