/**
 * Tables of pail.db, as steps from one schema version to the next. A released step never changes.
 */

/**
 * Cache: which pieces of which object versions are on this disk. Owned by block-index.ts.
 *
 * cached_file: one sparse file in the cache folder; holds blocks first_block and up of its version.
 * cached_file.bytes: what it takes on disk. used: rising with each use, roughly milliseconds.
 * cached_block.pieces: bitmap and one CRC32 for each piece present (block-layout.ts).
 */
const CACHE = `
CREATE TABLE cached_version (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL,
  key TEXT NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  UNIQUE (volume, key, etag, size)
);
CREATE INDEX cached_version_pinned ON cached_version (volume) WHERE pinned = 1;
CREATE TABLE cached_file (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  version INTEGER NOT NULL REFERENCES cached_version (id) ON DELETE CASCADE,
  first_block INTEGER NOT NULL,
  block_count INTEGER NOT NULL,
  name TEXT UNIQUE,
  bytes INTEGER NOT NULL DEFAULT 0,
  used INTEGER NOT NULL,
  UNIQUE (version, first_block)
);
CREATE INDEX cached_file_by_use ON cached_file (used, id);
CREATE TABLE cached_block (
  file INTEGER NOT NULL REFERENCES cached_file (id) ON DELETE CASCADE,
  block INTEGER NOT NULL,
  pieces BLOB NOT NULL,
  PRIMARY KEY (file, block)
) WITHOUT ROWID;
`

/**
 * Tree and journal. Owned by nodes.ts, xattrs.ts, journal.ts, staging.ts.
 *
 * node.remote_key: the key (files) or prefix (directories, ending in /) under which the bucket
 * holds it now; null: the bucket does not have it yet. It differs from the path while a rename
 * waits. node.etag, node.remote_size: the version last seen there, and the base of staged edits.
 * node.staged: id of the staging file with content not yet in the bucket. staged.content: its bytes
 * when they are few; null: they lie in a file of that name.
 * node.metadata: what the version in the bucket carries beside its bytes (object-attributes.ts), as
 * JSON; null: not known. node.target: where a symbolic link points; null: not known.
 *
 * node.slashless: of a directory that old s3fs stored under its name without a slash: which version
 * (object-attributes.ts); null: no such object.
 *
 * xattr: extended attributes, of the node whatever its name (xattrs.ts).
 * node.meanwhile: what a listing saw under the key beside a change of ours: `changed`, `deleted`.
 * node.modified_ms: when the version was stored, by the server's clock, as a listing told; null: none
 * has told yet. A later time at the same ETag: somebody stored it anew, perhaps with other metadata.
 *
 * conflict: two versions of one file that a person has not decided about; gone with either of them.
 * conflict.key: where theirs is; ours lies beside it. recent: what happened lately, for people.
 *
 * journal.key: put, marker, attributes: where it shall be; delete: what goes; move: where it is.
 *
 * mount_point: folders of this computer that something was mounted on (mount-points.ts); mode: their
 * permissions without Pail, which locks them while they are covered; made: Pail made them.
 * restore: versions in an archive that are not as their listing tells (restore-table.ts).
 * hint: what a person was told once about a mounted folder (hints.ts).
 * folder_role: folders that a person marked send or receive (folder-roles.ts). options: JSON.
 * batch_file: send: files of the open batch that are in the bucket, as they were stored there.
 * Receive: files that arrived and were not told of yet.
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
  component TEXT,
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
  local INTEGER NOT NULL DEFAULT 0,
  has_marker INTEGER NOT NULL DEFAULT 0,
  has_folder_object INTEGER NOT NULL DEFAULT 0,
  slashless TEXT,
  unshown INTEGER NOT NULL DEFAULT 0,
  metadata TEXT,
  target TEXT,
  meanwhile TEXT,
  modified_ms INTEGER
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('node', 15);
CREATE UNIQUE INDEX node_by_name ON node (parent, name);
CREATE INDEX node_by_order ON node (parent, id);
CREATE INDEX node_directory ON node (parent) WHERE kind = 1;
CREATE INDEX node_local ON node (volume, id) WHERE local = 1;
CREATE INDEX node_renamed ON node (volume, remote_key) WHERE component IS NOT NULL;
CREATE INDEX node_unshown ON node (volume, remote_key) WHERE unshown > 0;
CREATE INDEX node_by_key ON node (volume, remote_key, remote_size) WHERE remote_key IS NOT NULL;
CREATE INDEX node_archived ON node (volume, remote_key)
  WHERE storage_class IN ('GLACIER', 'DEEP_ARCHIVE', 'ACCELERATED');
CREATE INDEX node_unsettled ON node (id) WHERE staged IS NOT NULL OR sealed = 0;
CREATE TABLE xattr (
  node INTEGER NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (node, name)
) WITHOUT ROWID;
CREATE TABLE staged (
  id TEXT PRIMARY KEY,
  record BLOB NOT NULL,
  content BLOB
);
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL REFERENCES volume (id),
  op TEXT NOT NULL,
  node INTEGER,
  key TEXT NOT NULL,
  etag TEXT,
  bytes INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting',
  generation INTEGER NOT NULL DEFAULT 0,
  ready_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_detail TEXT,
  error_ms INTEGER,
  error_where TEXT,
  program TEXT,
  record BLOB,
  source TEXT
);
CREATE INDEX journal_by_source ON journal (volume, source) WHERE source IS NOT NULL;
CREATE INDEX journal_by_node ON journal (node);
CREATE INDEX journal_by_key ON journal (volume, key);
CREATE INDEX journal_by_ready ON journal (volume, ready_ms) WHERE state <> 'failed';
CREATE INDEX journal_moves ON journal (volume) WHERE op = 'move';
CREATE INDEX journal_deletions ON journal (volume) WHERE op = 'delete';
CREATE INDEX journal_failures ON journal (volume, error_ms) WHERE error_code IS NOT NULL;
CREATE TABLE move_item (
  seq INTEGER NOT NULL REFERENCES journal (seq) ON DELETE CASCADE,
  source TEXT NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  copied_etag TEXT,
  PRIMARY KEY (seq, source)
) WITHOUT ROWID;
CREATE TABLE folder_role (
  node INTEGER PRIMARY KEY,
  volume INTEGER NOT NULL REFERENCES volume (id),
  role TEXT NOT NULL,
  options TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  batch INTEGER NOT NULL DEFAULT 0,
  batch_ms INTEGER NOT NULL DEFAULT 0,
  batch_files INTEGER NOT NULL DEFAULT 0,
  closing INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE batch_file (
  folder INTEGER NOT NULL REFERENCES folder_role (node) ON DELETE CASCADE,
  node INTEGER NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (folder, node)
) WITHOUT ROWID;
CREATE TABLE mount_point (
  dir TEXT PRIMARY KEY,
  mounted_ms INTEGER NOT NULL,
  mode INTEGER,
  made INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE hint (
  dir TEXT NOT NULL,
  hint TEXT NOT NULL,
  node INTEGER NOT NULL,
  dismissed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (dir, hint)
) WITHOUT ROWID;
CREATE TABLE conflict (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  volume INTEGER NOT NULL REFERENCES volume (id),
  key TEXT NOT NULL,
  ours INTEGER NOT NULL,
  theirs INTEGER,
  theirs_etag TEXT NOT NULL,
  theirs_size INTEGER NOT NULL,
  theirs_ms INTEGER NOT NULL,
  host TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE INDEX conflict_by_key ON conflict (volume, key);
CREATE INDEX conflict_by_ours ON conflict (ours);
CREATE INDEX conflict_by_theirs ON conflict (theirs);
CREATE TRIGGER conflict_ends_with_node AFTER DELETE ON node BEGIN
  DELETE FROM conflict WHERE ours = old.id OR theirs = old.id;
END;
CREATE TRIGGER conflict_ends_with_place AFTER UPDATE OF parent ON node WHEN new.parent IS NULL BEGIN
  DELETE FROM conflict WHERE ours = new.id OR theirs = new.id;
END;
CREATE TABLE recent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT,
  count INTEGER NOT NULL DEFAULT 1,
  bytes INTEGER NOT NULL DEFAULT 0,
  program TEXT
);
CREATE TABLE restore (
  node INTEGER PRIMARY KEY,
  volume INTEGER NOT NULL REFERENCES volume (id),
  etag TEXT NOT NULL,
  state TEXT NOT NULL,
  days INTEGER NOT NULL DEFAULT 0,
  tier TEXT,
  asked_ms INTEGER NOT NULL,
  next_ms INTEGER NOT NULL,
  until_ms INTEGER,
  error_code TEXT
);
CREATE INDEX restore_due ON restore (volume, next_ms);
CREATE TRIGGER restore_ends_with_node AFTER DELETE ON node BEGIN
  DELETE FROM restore WHERE node = old.id;
END;
CREATE TRIGGER restore_ends_with_archive AFTER UPDATE OF storage_class ON node
WHEN old.storage_class IS NOT NULL AND new.storage_class IS NULL BEGIN
  DELETE FROM restore WHERE node = new.id;
END;
CREATE TABLE fact (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE endpoint_fact (
  endpoint TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (endpoint, name)
) WITHOUT ROWID;
`

/**
 * What is asked of endpoints, and what may be asked. Owned by request-ledger.ts, pin-table.ts.
 *
 * connection: address and key id, what is billed together. day: UTC.
 * pin.mode: 1 kept on this computer, with all below; 2 not kept although something above is.
 */
const KEEPING = `
CREATE TABLE request_count (
  connection TEXT NOT NULL,
  day TEXT NOT NULL,
  class TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (connection, day, class)
) WITHOUT ROWID;
CREATE TABLE request_budget (
  connection TEXT PRIMARY KEY,
  lists_per_month INTEGER NOT NULL,
  tokens REAL NOT NULL,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE pin (
  node INTEGER PRIMARY KEY,
  mode INTEGER NOT NULL,
  since_ms INTEGER NOT NULL
);
CREATE TRIGGER pin_goes AFTER DELETE ON node BEGIN
  DELETE FROM pin WHERE node = old.id;
END;
`

export const MIGRATIONS: readonly string[] = [CACHE + TREE + KEEPING]
export const SCHEMA_VERSION = MIGRATIONS.length
