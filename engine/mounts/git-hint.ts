/**
 * Tells a person, once for each mounted folder, that a Git repository lies in it.
 *
 * Keeps: told when `.git` is made in the folder, or first listed from it; remembered over restarts.
 * Never: for a repository that a person has already pinned, or left out.
 */
import { type Hint, type HintView, hintSentence } from '../../shared/hints.ts'
import type { Hints } from '../store/hints.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { PinTable } from '../store/pin-table.ts'
import { localPathOf, type ShownFolder } from './local-paths.ts'

const HINT: Hint = 'git'
const NAME = '.git'

export type GitHintParts = {
  readonly folder: ShownFolder
  readonly hints: Hints
  readonly pins: PinTable
  readonly onDidRaise: (view: HintView) => void
}

export class GitHint {
  readonly #parts: GitHintParts
  readonly #stop: () => void

  /** @param parts  its folder is mounted: what is known of it is looked through */
  constructor(parts: GitHintParts) {
    this.#parts = parts
    const { folder } = parts
    const { tree } = folder.volume
    this.#stop = tree.watch((changes) => {
      for (const { type, name, id } of changes) if (type === 'added' && name === NAME) this.#see(id)
    })
    for (const { id } of tree.nodes.directoriesNamed(tree.volume, NAME, REPOSITORIES_MAX)) {
      this.#see(id)
    }
  }

  close(): void {
    this.#stop()
  }

  #see(id: number): void {
    const { folder, hints, pins, onDidRaise } = this.#parts
    const { nodes } = folder.volume.tree
    const row = nodes.byId(id)
    const repository = row?.parent == null ? undefined : nodes.byId(row.parent)
    if (row?.kind !== 'directory' || !repository) return
    const isKnown = hints.of(folder.dir).some(({ hint }) => hint === HINT)
    const path = localPathOf(folder, repository)
    if (isKnown || path === undefined || pins.effective(nodes, repository) !== 'none') return
    hints.raise(folder.dir, HINT, repository.id)
    onDidRaise({ hint: HINT, path, sentence: hintSentence(HINT, path) })
  }
}

/** Repositories of one folder that are looked at: one of them is enough. */
const REPOSITORIES_MAX = 100

/** What is to be shown of a folder's hints now. */
export function hintsOf(
  folder: ShownFolder,
  { hints, pins }: { readonly hints: Hints; readonly pins: PinTable },
): HintView[] {
  const { nodes } = folder.volume.tree
  return hints.of(folder.dir).flatMap(({ hint, node, isDismissed }) => {
    const row = isDismissed ? undefined : nodes.byId(node)
    const path = row && localPathOf(folder, row)
    const isAnswered = row && pins.effective(nodes, row) !== 'none'
    if (path === undefined || isAnswered || !isRepository(nodes, row)) return []
    return [{ hint, path, sentence: hintSentence(hint, path) }]
  })
}

function isRepository(
  nodes: ShownFolder['volume']['tree']['nodes'],
  row: NodeRow | undefined,
): boolean {
  return row !== undefined && nodes.child(row.id, NAME)?.kind === 'directory'
}
