/**
 * Exit codes of `pail`: what a script can tell apart.
 */
import type { ErrorCode } from '../shared/errors.ts'

export const EXIT = {
  ok: 0,
  /**
   * `flush --wait`: the time is over and something is not in the bucket yet. `pins --check`:
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
  /** A defect of Pail. */
  defect: 70,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  'input/no-keys': EXIT.keys,
  'input/password-file': EXIT.keys,
  'vfs/not-found': EXIT.usage,
  'mount/bad-prefix': EXIT.usage,
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
  store: EXIT.system,
  engine: EXIT.engine,
  input: EXIT.usage,
  internal: EXIT.defect,
}

export function exitCodeFor(code: ErrorCode): number {
  const area = code.slice(0, code.indexOf('/'))
  return BY_CODE[code] ?? BY_AREA[area] ?? EXIT.defect
}
