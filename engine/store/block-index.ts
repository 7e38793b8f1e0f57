/**
 * The rows that say what the block cache holds.
 *
 * Owns:  tables cached_version, cached_file, cached_block. Runs in: engine process.
 * Keeps: a cache file's name is a hash of a row id that is never used again, so that removing a
 *        file late can never hit the file of a later life of the same object.
 * Never: touches a file; believes a row without the checksum of the bytes.
 */
import { createHash } from 'node:crypto'
import { type CachedObject, PieceMap } from './block-layout.ts'
import type { Database, Row } from './database.ts'

export type VersionRow = { readonly id: number; readonly isPinned: boolean }

export type FileRow = {
  readonly id: number
  readonly version: number
  readonly firstBlock: number
  readonly blockCount: number
  readonly name: string
  readonly bytes: number
  readonly used: number
}

/**
 * Is the version the base of a change that is not in the bucket yet, or one side of a conflict?
 * When the bucket loses it, what is on this disk is all there is.
 */
const IS_HELD = `EXISTS (SELECT 1 FROM node n
  WHERE n.volume = v.volume AND n.remote_key = v.key AND n.etag = v.etag
  AND (n.staged IS NOT NULL OR n.id IN (SELECT ours FROM conflict UNION ALL SELECT theirs FROM conflict)))`

const FILE_COLUMNS = 'f.id, f.version, f.first_block, f.block_count, f.name, f.bytes, f.used'

export class BlockIndex {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  findVersion(object: CachedObject): VersionRow | undefined {
    const row = this.#database.get(
      'SELECT id, pinned FROM cached_version WHERE volume = ? AND key = ? AND etag = ? AND size = ?',
      object.volume,
      object.key,
      object.etag,
      object.sizeBytes,
    )
    return row && { id: Number(row.id), isPinned: Number(row.pinned) !== 0 }
  }

  /** The bytes of a version are those of another key or ETag now. Inside a database change. */
  renameVersion(version: number, object: CachedObject): void {
    this.#database.run(
      'UPDATE cached_version SET volume = ?, key = ?, etag = ? WHERE id = ?',
      object.volume,
      object.key,
      object.etag,
      version,
    )
  }

  addVersion(object: CachedObject): VersionRow {
    const { lastId } = this.#database.run(
      'INSERT INTO cached_version (volume, key, etag, size) VALUES (?, ?, ?, ?)',
      object.volume,
      object.key,
      object.etag,
      object.sizeBytes,
    )
    return { id: lastId, isPinned: false }
  }

  isPinned(version: number): boolean {
    const row = this.#database.get('SELECT pinned FROM cached_version WHERE id = ?', version)
    return Number(row?.pinned ?? 0) !== 0
  }

  lastFileId(): number {
    return Number(this.#database.get('SELECT max(id) AS id FROM cached_file')?.id ?? 0)
  }

  setPinned(version: number, isPinned: boolean): void {
    this.#database.run(
      'UPDATE cached_version SET pinned = ? WHERE id = ?',
      Number(isPinned),
      version,
    )
  }

  pinnedVersions(volume: number): CachedObject[] {
    return this.#database
      .all('SELECT key, etag, size FROM cached_version WHERE pinned = 1 AND volume = ?', volume)
      .map(({ key, etag, size }) => ({
        volume,
        key: String(key),
        etag: String(etag) as CachedObject['etag'],
        sizeBytes: Number(size),
      }))
  }

  filesOf(version: number): FileRow[] {
    const sql = `SELECT ${FILE_COLUMNS} FROM cached_file f WHERE f.version = ? ORDER BY f.first_block`
    return this.#database.all(sql, version).map(fileRow)
  }

  addFile(file: {
    version: number
    firstBlock: number
    blockCount: number
    bytes: number
    used: number
  }): FileRow {
    const { lastId } = this.#database.run(
      'INSERT INTO cached_file (version, first_block, block_count, bytes, used) VALUES (?, ?, ?, ?, ?)',
      file.version,
      file.firstBlock,
      file.blockCount,
      file.bytes,
      file.used,
    )
    const name = nameOf(lastId)
    this.#database.run('UPDATE cached_file SET name = ? WHERE id = ?', name, lastId)
    return { id: lastId, name, ...file }
  }

  /** Removes the rows of one file, and its version's row when nothing keeps that. */
  removeFile(file: { readonly id: number; readonly version: number }): void {
    this.#database.run('DELETE FROM cached_file WHERE id = ?', file.id)
    this.#database.run(
      `DELETE FROM cached_version WHERE id = ? AND pinned = 0
         AND NOT EXISTS (SELECT 1 FROM cached_file WHERE version = cached_version.id)`,
      file.version,
    )
  }

  removeVersion(version: number): void {
    this.#database.run('DELETE FROM cached_version WHERE id = ?', version)
  }

  pieces(file: number, block: number): PieceMap {
    const row = this.#database.get(
      'SELECT pieces FROM cached_block WHERE file = ? AND block = ?',
      file,
      block,
    )
    return row?.pieces instanceof Uint8Array ? PieceMap.decode(row.pieces) : new PieceMap()
  }

  setPieces(file: number, block: number, pieces: PieceMap, fileBytes: number): void {
    if (pieces.isEmpty) {
      this.#database.run('DELETE FROM cached_block WHERE file = ? AND block = ?', file, block)
    } else {
      this.#database.run(
        `INSERT INTO cached_block (file, block, pieces) VALUES (?, ?, ?)
           ON CONFLICT (file, block) DO UPDATE SET pieces = excluded.pieces`,
        file,
        block,
        pieces.encode(),
      )
    }
    this.setBytes(file, fileBytes)
  }

  setBytes(file: number, bytes: number): void {
    this.#database.run('UPDATE cached_file SET bytes = ? WHERE id = ?', bytes, file)
  }

  setUsed(file: number, used: number): void {
    this.#database.run('UPDATE cached_file SET used = ? WHERE id = ?', used, file)
  }

  /** The next files to evict: neither pinned nor held, least recently used first, after the one given. */
  evictable(after: { used: number; id: number }, countMax: number): FileRow[] {
    return this.#database
      .all(
        `SELECT ${FILE_COLUMNS} FROM cached_file f JOIN cached_version v ON v.id = f.version
         WHERE v.pinned = 0 AND (f.used, f.id) > (?, ?) AND NOT ${IS_HELD}
         ORDER BY f.used, f.id LIMIT ?`,
        after.used,
        after.id,
        countMax,
      )
      .map(fileRow)
  }

  /** Files by id, a page at a time, for the check at start. */
  filesAfter(id: number, countMax: number): FileRow[] {
    const sql = `SELECT ${FILE_COLUMNS} FROM cached_file f WHERE f.id > ? ORDER BY f.id LIMIT ?`
    return this.#database.all(sql, id, countMax).map(fileRow)
  }

  isFileName(name: string): boolean {
    return this.#database.get('SELECT 1 FROM cached_file WHERE name = ?', name) !== undefined
  }

  totals(): { bytes: number; pinnedBytes: number; versions: number; lastUse: number } {
    const row = this.#database.get(
      `SELECT coalesce(sum(f.bytes), 0) AS bytes, coalesce(max(f.used), 0) AS last,
         coalesce(sum(CASE WHEN v.pinned THEN f.bytes ELSE 0 END), 0) AS pinned
       FROM cached_file f JOIN cached_version v ON v.id = f.version`,
    )
    const count = this.#database.get('SELECT count(*) AS n FROM cached_version')
    return {
      bytes: Number(row?.bytes ?? 0),
      pinnedBytes: Number(row?.pinned ?? 0),
      versions: Number(count?.n ?? 0),
      lastUse: Number(row?.last ?? 0),
    }
  }
}

function nameOf(id: number): string {
  return createHash('sha256').update(`pail cache file ${id}`).digest('hex').slice(0, 40)
}

function fileRow(row: Row): FileRow {
  return {
    id: Number(row.id),
    version: Number(row.version),
    firstBlock: Number(row.first_block),
    blockCount: Number(row.block_count),
    name: String(row.name),
    bytes: Number(row.bytes),
    used: Number(row.used),
  }
}
