/**
 * Rows of the tree kept in memory for a while: one operation asks for the same few a dozen times.
 *
 * Keeps: what the database says, uncommitted changes included; whoever changes it there says so here.
 */
type Placed = { readonly id: number; readonly parent: number | null; readonly name: string }

/** About 1 kB each. */
const ROWS_MAX = 512
/** Most of them are names that nothing has. */
const NAMES_MAX = 512
/** What a name leads to when there is no such entry. */
const NOTHING = 0

export class KeptNodes<NodeRow extends Placed> {
  readonly #rows = new Map<number, NodeRow>()
  /**
   * Ids by parent and name, or NOTHING. An id is a hint, which its row confirms; that nothing has a
   * name is a fact, which whatever gives a name to a row takes back.
   */
  readonly #names = new Map<string, number>()

  byId(id: number): NodeRow | undefined {
    return this.#rows.get(id)
  }

  /** @returns null: there is no such entry; undefined: not known here */
  child(parent: number, name: string): NodeRow | null | undefined {
    const id = this.#names.get(placeOf(parent, name))
    if (id === undefined) return undefined
    if (id === NOTHING) return null
    const row = this.#rows.get(id)
    return row?.parent === parent && row.name === name ? row : undefined
  }

  keep(row: NodeRow): void {
    if (this.#rows.size >= ROWS_MAX) this.#rows.clear()
    this.#rows.set(row.id, row)
  }

  /** What was found under a name. */
  keepChild(parent: number, name: string, row: NodeRow | undefined): void {
    if (this.#names.size >= NAMES_MAX) this.#names.clear()
    this.#names.set(placeOf(parent, name), row?.id ?? NOTHING)
  }

  change(id: number, changesOf: (row: NodeRow) => Partial<NodeRow>): void {
    const row = this.#rows.get(id)
    if (row) this.#rows.set(id, { ...row, ...changesOf(row) })
  }

  remove(id: number): void {
    this.#rows.delete(id)
  }

  /** Something has this name now. */
  forgetName(parent: number, name: string): void {
    this.#names.delete(placeOf(parent, name))
  }

  forgetNames(): void {
    this.#names.clear()
  }

  forgetAll(): void {
    this.#rows.clear()
    this.#names.clear()
  }
}

/** No name holds a slash. */
function placeOf(parent: number, name: string): string {
  return `${parent}/${name}`
}
