/**
 * Folders with a role: what is sent from them, or arrives in them, as batches.
 *
 * Owns:  tables `folder_role` and `batch_file`. Runs in: engine process.
 * Never: decides when a batch is complete; that is send-plan.ts.
 */
import { PailError } from '../../shared/errors.ts'
import { FolderOptions, type FolderRole } from '../../shared/folder-roles.ts'
import type { Database, Row } from './database.ts'

export type RoleRow = {
  /** The folder's node. */
  readonly node: number
  readonly volume: number
  readonly role: FolderRole
  readonly options: FolderOptions
  readonly sinceMs: number
  /** Batches so far; 0: none yet. */
  readonly batch: number
  /** When the last batch was complete, and how many files it had. */
  readonly batchMs: number
  readonly batchFiles: number
  /** A person asked to close the open batch now. */
  readonly isClosing: boolean
}

export type BatchFile = {
  readonly node: number
  readonly etag: string
  readonly sizeBytes: number
  readonly sha256: string | null
  readonly atMs: number
}

export type BatchSum = {
  readonly files: number
  readonly bytes: number
  readonly firstMs: number
  readonly lastMs: number
}

export class FolderRoles {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  ofVolume(volume: number): RoleRow[] {
    return this.#database
      .all('SELECT * FROM folder_role WHERE volume = ? ORDER BY node', volume)
      .map(parseRole)
  }

  of(node: number): RoleRow | undefined {
    const row = this.#database.get('SELECT * FROM folder_role WHERE node = ?', node)
    return row && parseRole(row)
  }

  /** Sets or changes the role. Another role begins anew; other options go on with the same batch. */
  set(role: Pick<RoleRow, 'node' | 'volume' | 'role' | 'options' | 'sinceMs'>): void {
    const known = this.of(role.node)
    if (known && known.role !== role.role) this.remove(role.node)
    this.#database.run(
      `INSERT INTO folder_role (node, volume, role, options, since_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET options = excluded.options`,
      role.node,
      role.volume,
      role.role,
      JSON.stringify(role.options),
      role.sinceMs,
    )
  }

  remove(node: number): void {
    this.#database.run('DELETE FROM folder_role WHERE node = ?', node)
  }

  setClosing(node: number, isClosing: boolean): void {
    this.#database.run('UPDATE folder_role SET closing = ? WHERE node = ?', Number(isClosing), node)
  }

  /** The open batch is complete: its files belong to it alone. */
  finishBatch(node: number, nowMs: number): void {
    const { files } = this.batchOf(node)
    this.#database.run(
      `UPDATE folder_role SET batch = batch + 1, batch_ms = ?, batch_files = ?, closing = 0
       WHERE node = ?`,
      nowMs,
      files,
      node,
    )
    this.#database.run('DELETE FROM batch_file WHERE folder = ?', node)
  }

  addFile(folder: number, file: Omit<BatchFile, 'sha256'>): void {
    this.#database.run(
      `INSERT INTO batch_file (folder, node, etag, size, at_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (folder, node) DO UPDATE SET at_ms = excluded.at_ms, size = excluded.size,
       sha256 = CASE WHEN etag = excluded.etag THEN sha256 ELSE NULL END, etag = excluded.etag`,
      folder,
      file.node,
      file.etag,
      file.sizeBytes,
      file.atMs,
    )
  }

  setSha256(folder: number, file: BatchFile, sha256: string): void {
    this.#database.run(
      'UPDATE batch_file SET sha256 = ? WHERE folder = ? AND node = ? AND etag = ?',
      sha256,
      folder,
      file.node,
      file.etag,
    )
  }

  removeFile(folder: number, node: number): void {
    this.#database.run('DELETE FROM batch_file WHERE folder = ? AND node = ?', folder, node)
  }

  fileOf(folder: number, node: number): BatchFile | undefined {
    return this.filesOf(folder, node - 1, 1).find((file) => file.node === node)
  }

  /** Up to `countMax` files of the open batch with a node above `afterNode`, in order of node. */
  filesOf(folder: number, afterNode: number, countMax: number): BatchFile[] {
    return this.#database
      .all(
        'SELECT * FROM batch_file WHERE folder = ? AND node > ? ORDER BY node LIMIT ?',
        folder,
        afterNode,
        countMax,
      )
      .map((row) => ({
        node: Number(row.node),
        etag: String(row.etag),
        sizeBytes: Number(row.size),
        sha256: row.sha256 === null ? null : String(row.sha256),
        atMs: Number(row.at_ms),
      }))
  }

  /** Folders whose batch is in the bucket and whose marker is not, in all volumes. */
  openBatches(): number {
    const row = this.#database.get(
      `SELECT count(DISTINCT folder) AS n FROM batch_file
       JOIN folder_role ON folder_role.node = folder WHERE role = 'send'`,
    )
    return Number(row?.n)
  }

  /** What of the open batch is in the bucket, without files that were removed since. */
  batchOf(folder: number): BatchSum {
    const row = this.#database.get(
      `SELECT count(*) AS files, coalesce(sum(batch_file.size), 0) AS bytes,
       coalesce(min(at_ms), 0) AS first, coalesce(max(at_ms), 0) AS last
       FROM batch_file JOIN node ON node.id = batch_file.node
       WHERE folder = ? AND node.parent IS NOT NULL`,
      folder,
    )
    return {
      files: Number(row?.files),
      bytes: Number(row?.bytes),
      firstMs: Number(row?.first),
      lastMs: Number(row?.last),
    }
  }
}

function parseRole(row: Row): RoleRow {
  const role = row.role === 'send' || row.role === 'receive' ? row.role : undefined
  const options = FolderOptions.safeParse(JSON.parse(String(row.options)))
  if (!role || !options.success) {
    throw new PailError('store/corrupt', `the role of folder ${row.node} cannot be read`)
  }
  return {
    node: Number(row.node),
    volume: Number(row.volume),
    role,
    options: options.data,
    sinceMs: Number(row.since_ms),
    batch: Number(row.batch),
    batchMs: Number(row.batch_ms),
    batchFiles: Number(row.batch_files),
    isClosing: row.closing === 1,
  }
}
