/**
 * Tables of pail.db, as steps from one schema version to the next. A released step never changes.
 */

/** Cache: which blocks of which object versions are on this disk. Owned by block-cache.ts. */
const CACHE = `
CREATE TABLE cached_version (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL,
  key TEXT NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  file TEXT NOT NULL UNIQUE,
  used_ms INTEGER NOT NULL,
  pins INTEGER NOT NULL DEFAULT 0,
  UNIQUE (volume, key, etag)
);
CREATE INDEX cached_version_by_use ON cached_version (used_ms);
CREATE TABLE cached_block (
  version INTEGER NOT NULL REFERENCES cached_version (id) ON DELETE CASCADE,
  block INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (version, block)
) WITHOUT ROWID;
`

/**
 * Tree and journal. Owned by nodes.ts and journal.ts.
 *
 * node.remote_key: the key (files) or prefix (directories, ending in /) under which the bucket
 * holds it now; null: the bucket does not have it yet. It differs from the path while a rename
 * waits. node.etag, node.remote_size: the version last seen there.
 * node.staged: id of the staging file with content not yet in the bucket.
 */
const TREE = `
CREATE TABLE volume (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint TEXT NOT NULL,
  bucket TEXT NOT NULL,
  root INTEGER NOT NULL DEFAULT 0,
  UNIQUE (endpoint, bucket)
);
CREATE TABLE node (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL REFERENCES volume (id),
  parent INTEGER,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  size INTEGER NOT NULL,
  atime INTEGER NOT NULL,
  mtime INTEGER NOT NULL,
  ctime INTEGER NOT NULL,
  birthtime INTEGER NOT NULL,
  change INTEGER NOT NULL,
  remote_key TEXT,
  etag TEXT,
  remote_size INTEGER NOT NULL DEFAULT 0,
  storage_class TEXT,
  seen_ms INTEGER NOT NULL DEFAULT 0,
  staged TEXT,
  sealed INTEGER NOT NULL DEFAULT 1,
  listed_ms INTEGER NOT NULL DEFAULT 0,
  has_marker INTEGER NOT NULL DEFAULT 0,
  metadata TEXT
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('node', 15);
CREATE UNIQUE INDEX node_by_name ON node (parent, name);
CREATE INDEX node_by_order ON node (parent, id);
CREATE INDEX node_by_key ON node (volume, remote_key);
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL REFERENCES volume (id),
  op TEXT NOT NULL,
  node INTEGER,
  key TEXT NOT NULL,
  target TEXT,
  etag TEXT,
  state TEXT NOT NULL DEFAULT 'waiting',
  ready_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  record BLOB
);
CREATE INDEX journal_by_node ON journal (node);
CREATE INDEX journal_by_key ON journal (volume, key);
`

export const MIGRATIONS: readonly string[] = [CACHE + TREE]
export const SCHEMA_VERSION = MIGRATIONS.length
