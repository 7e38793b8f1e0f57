/**
 * Which program has a file open for writing, and whether it is a database: those are sent when they
 * are closed, and a person is told what keeps them.
 *
 * Owns:  facts of files that are open for writing, and of no others.
 */

/** SQLite, its write-ahead log and rollback journal; HDF5; DuckDB, behind a checksum. */
const STARTS: ReadonlyArray<{ readonly at: number; readonly bytes: Buffer }> = [
  { at: 0, bytes: Buffer.from('SQLite format 3\0') },
  { at: 0, bytes: Buffer.from('377f0682', 'hex') },
  { at: 0, bytes: Buffer.from('377f0683', 'hex') },
  { at: 0, bytes: Buffer.from('d9d505f920a163d7', 'hex') },
  { at: 0, bytes: Buffer.from('894844460d0a1a0a', 'hex') },
  { at: 8, bytes: Buffer.from('DUCK') },
]
/** With the files that they lay beside themselves while they work. */
const NAMES = /\.(sqlite3?|db3?|duckdb|ddb|h5|hdf5?|he5|nc4?)(-(wal|shm|journal)|\.wal)?$/i

/** By the first bytes that are written to it. */
export function isDatabaseStart(data: Uint8Array): boolean {
  return STARTS.some(({ at, bytes }) => bytes.equals(data.subarray(at, at + bytes.length)))
}

/** For those whose first bytes nobody writes while they are open. */
export function isDatabaseName(name: string): boolean {
  return NAMES.test(name)
}

export type OpenWriter = { readonly program: string | undefined; readonly isDatabase: boolean }

type Known = { programOf: () => string | undefined; isDatabase: boolean }

export class OpenWriters {
  readonly #known = new Map<number, Known>()

  /** @param programOf  asked when a person wants to know: the program is there while it has it open */
  opened(id: number, name: string, programOf: () => string | undefined): void {
    const isDatabase = this.#known.get(id)?.isDatabase === true || isDatabaseName(name)
    this.#known.set(id, { programOf, isDatabase })
  }

  /** Bytes are written at the start of the file. */
  started(id: number, data: Uint8Array): void {
    const known = this.#known.get(id)
    if (known && !known.isDatabase) known.isDatabase = isDatabaseStart(data)
  }

  /** Nobody writes to it any more. */
  closed(id: number): void {
    this.#known.delete(id)
  }

  isDatabase(id: number): boolean {
    return this.#known.get(id)?.isDatabase === true
  }

  of(id: number): OpenWriter | undefined {
    const known = this.#known.get(id)
    return known && { program: known.programOf(), isDatabase: known.isDatabase }
  }
}

/** @param isSealed  some of it could be sent as it is */
export function openSentence(writer: OpenWriter | undefined, isSealed: boolean): string {
  const program = writer?.program ?? 'A program'
  if (writer?.isDatabase) return `Open database: sent when it is closed. ${program} has it open.`
  const rests = isSealed ? ', or rests' : ''
  return `${program} has it open; it is sent when it is closed${rests}.`
}
