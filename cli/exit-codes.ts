/**
 * Exit codes of `pail`: what a script can tell apart.
 */
import type { ErrorCode } from '../shared/errors.ts'
import type { SyncView, VerdictView } from '../shared/sync-model.ts'

export const EXIT = {
  ok: 0,
  /**
   * Something is not in the bucket yet; `wait`: nothing that matches is there; `pins --check`:
   * something that is to be kept is not on this computer.
   */
  pending: 1,
  /** What was typed cannot be used. */
  usage: 2,
  /** Keys: missing, unreadable, or refused by the server. */
  keys: 3,
  /** The server, the bucket, or the way to them. */
  server: 4,
  /** The local folder. */
  folder: 5,
  /** This computer: FUSE, disk, data folder, a second engine. */
  system: 6,
  /** No engine, or one that went away. */
  engine: 7,
  /** Something waits for a person. */
  attention: 8,
  /** Something is not in the bucket yet, and rests: offline, or uploads are paused. */
  resting: 9,
  /** A defect of Pail. */
  defect: 70,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  'input/no-keys': EXIT.keys,
  'input/password-file': EXIT.keys,
  'mount/bad-prefix': EXIT.usage,
  'vfs/not-found': EXIT.usage,
  'vfs/not-a-directory': EXIT.usage,
  'mount/no-fuse': EXIT.system,
  'mount/no-fusermount': EXIT.system,
  'mount/others-refused': EXIT.system,
  'mount/refused': EXIT.system,
}

const BY_AREA: Readonly<Record<string, number>> = {
  auth: EXIT.keys,
  keychain: EXIT.keys,
  net: EXIT.server,
  s3: EXIT.server,
  mount: EXIT.folder,
  folder: EXIT.folder,
  vfs: EXIT.folder,
  conflict: EXIT.attention,
  sync: EXIT.attention,
  store: EXIT.system,
  engine: EXIT.engine,
  input: EXIT.usage,
  internal: EXIT.defect,
}

const BY_VERDICT: Readonly<Record<VerdictView['kind'], number>> = {
  done: EXIT.ok,
  working: EXIT.pending,
  paused: EXIT.resting,
  offline: EXIT.resting,
  attention: EXIT.attention,
}

/** Working offline with nothing to upload is no reason to fail a script. */
export function exitCodeOfSync({ verdict, counts }: SyncView): number {
  return verdict.kind === 'offline' && counts.pendingFiles === 0
    ? EXIT.ok
    : BY_VERDICT[verdict.kind]
}

export function exitCodeFor(code: ErrorCode): number {
  const area = code.slice(0, code.indexOf('/'))
  return BY_CODE[code] ?? BY_AREA[area] ?? EXIT.defect
}
