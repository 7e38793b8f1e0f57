/**
 * The closed table of everything that can go wrong, and the one error class.
 *
 * Owns:  the codes, their errno, their retry rule and the sentence a person reads.
 * Never: imports anything. Never carries a secret in `detail` or `where`.
 */

/** One row serves three readers: the program (errno), the retry loop (retry), the person (remedy). */
export type ErrorRow = {
  readonly errno: Errno
  readonly retry: 'never' | 'backoff' | 'when-online'
  readonly remedy: string
}

export type Errno =
  | 'E2BIG'
  | 'EACCES'
  | 'EAGAIN'
  | 'EBUSY'
  | 'EEXIST'
  | 'EFBIG'
  | 'EINTR'
  | 'EINVAL'
  | 'EIO'
  | 'EISDIR'
  | 'ELOOP'
  | 'ENAMETOOLONG'
  | 'ENODATA'
  | 'EILSEQ'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOSYS'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'ENXIO'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'EBADF'
  | 'ERANGE'
  | 'EROFS'
  | 'ESTALE'
  | 'ETIMEDOUT'
  | 'EXDEV'

const row = (errno: Errno, retry: ErrorRow['retry'], remedy: string): ErrorRow => ({
  errno,
  retry,
  remedy,
})

export const ERRORS = {
  // What the server, or the way to it, says.
  'auth/denied': row(
    'EACCES',
    'never',
    'Check that the key may do this: the bucket policy refuses it.',
  ),
  'auth/bad-key': row(
    'EACCES',
    'never',
    'Check the access key and the secret key: the server does not accept them.',
  ),
  'auth/clock-skewed': row(
    'EIO',
    'backoff',
    'Set this computer’s clock: the server refuses requests because of the time.',
  ),
  'net/offline': row('EIO', 'when-online', 'Reconnect. Files already on this computer still open.'),
  'net/unreachable': row(
    'EIO',
    'when-online',
    'Check the endpoint address and the network: nothing answers there.',
  ),
  'net/timeout': row('EIO', 'backoff', 'The server takes too long to answer. Pail keeps trying.'),
  'net/reset': row('EIO', 'backoff', 'The connection broke off. Pail tries again.'),
  'net/captive-portal': row(
    'EIO',
    'when-online',
    'Sign in to this network in a browser: it answers in place of the server.',
  ),
  'net/tls': row(
    'EIO',
    'never',
    'The server’s certificate is not trusted. Check the endpoint address.',
  ),
  's3/not-s3': row(
    'EIO',
    'never',
    'This endpoint does not answer like an S3 server. Check its address.',
  ),
  's3/no-bucket': row(
    'ENOENT',
    'never',
    'There is no bucket of this name at this endpoint. Check the name and the location.',
  ),
  's3/no-key': row(
    'ENOENT',
    'never',
    'The object is not in the bucket any more. Refresh the folder.',
  ),
  's3/precondition': row(
    'ESTALE',
    'never',
    'The object changed in the bucket meanwhile. Open the file again.',
  ),
  's3/busy': row('EIO', 'backoff', 'The server is busy. Pail keeps trying, more slowly.'),
  's3/server': row('EIO', 'backoff', 'The server failed. Pail keeps trying.'),
  's3/wrong-region': row(
    'EIO',
    'never',
    'The bucket is in another location. Use the endpoint of its location.',
  ),
  's3/bad-reply': row(
    'EIO',
    'backoff',
    'The server’s answer cannot be trusted, so nothing of it was used. Pail asks again.',
  ),
  's3/integrity': row(
    'EIO',
    'backoff',
    'The bytes did not arrive unchanged. Pail sends them again.',
  ),
  's3/customer-key': row(
    'EACCES',
    'never',
    'Copy the object without its customer key (SSE-C): the server hands it out to that key alone, which Pail does not have.',
  ),
  's3/archived': row('EACCES', 'never', 'The object is archived. Restore it first, then open it.'),
  's3/unsupported': row('EOPNOTSUPP', 'never', 'This server does not offer what is needed here.'),
  's3/too-large': row(
    'EFBIG',
    'never',
    'The file is larger than the server accepts (10 TB at most).',
  ),
  's3/rejected': row(
    'EIO',
    'never',
    'The server refuses this request. Its message is in the details.',
  ),
  'sync/base-gone': row(
    'EIO',
    'never',
    'Save the file anew: parts of it were only in a version that the bucket does not have any more.',
  ),
  // What this computer says.
  'store/disk-full': row('ENOSPC', 'never', 'Free space on this disk, or lower the cache limit.'),
  'store/cache-full': row(
    'ENOSPC',
    'never',
    'The cache holds only files that still have to be uploaded or kept offline. Raise its limit, or wait.',
  ),
  'store/corrupt': row(
    'EIO',
    'never',
    'What was saved here cannot be read back from this disk. Check the disk, then save the file anew.',
  ),
  'store/damaged': row(
    'EIO',
    'never',
    'Check the disk: Pail’s database on it is damaged, so nothing is changed here or in the bucket. To begin anew, move the data folder away; large files that were not uploaded yet are in its folder staging.',
  ),
  'store/inconsistent': row(
    'EIO',
    'never',
    'Restart Pail: its records contradict each other, so nothing is changed here or in the bucket until they were checked.',
  ),
  'store/locked': row(
    'EBUSY',
    'never',
    'Another Pail engine uses this data folder. Stop it, or use another folder.',
  ),
  'store/data-folder': row(
    'EACCES',
    'never',
    'Choose a data folder of your own: on this disk, not a link, not inside a mounted folder.',
  ),
  'store/io': row('EIO', 'never', 'This disk reports an error. Check it.'),
  'store/too-new': row(
    'EIO',
    'never',
    'This data folder was written by a newer Pail. Update Pail.',
  ),
  // What a mount can refuse.
  'mount/folder-missing': row(
    'ENOENT',
    'never',
    'Make the folder first: the place to mount on does not exist.',
  ),
  'mount/not-a-folder': row(
    'ENOTDIR',
    'never',
    'Choose a folder: the place to mount on is a file.',
  ),
  'mount/folder-not-empty': row(
    'ENOTEMPTY',
    'never',
    'Choose an empty folder: this one has files in it.',
  ),
  'mount/already-mounted': row(
    'EBUSY',
    'never',
    'Unmount the folder first: something is mounted on it.',
  ),
  'mount/inside-mount': row('EBUSY', 'never', 'Choose a folder outside of other Pail folders.'),
  'mount/not-mounted': row('EINVAL', 'never', 'Nothing of Pail is mounted on this folder.'),
  'mount/busy': row('EBUSY', 'never', 'Close the programs that use the folder, then try again.'),
  'mount/bad-prefix': row('EINVAL', 'never', 'Check the path in the bucket.'),
  'mount/no-fuse': row(
    'EIO',
    'never',
    'This computer has no /dev/fuse. Load the fuse kernel module.',
  ),
  'mount/no-fusermount': row(
    'EIO',
    'never',
    'Install the package fuse3: the program fusermount3 is missing.',
  ),
  'mount/others-refused': row(
    'EPERM',
    'never',
    'Write user_allow_other into /etc/fuse.conf, or mount without --allow-other.',
  ),
  'mount/refused': row(
    'EIO',
    'never',
    'The system refused the mount. Its message is in the details.',
  ),
  'mount/deletes-held': row(
    'EIO',
    'never',
    'Many files were removed at once. Say whether the bucket shall lose them, or whether they come back.',
  ),
  // What a person typed.
  'input/invalid': row('EINVAL', 'never', 'Check what was typed.'),
  'input/password-file': row(
    'EACCES',
    'never',
    'Write ACCESS:SECRET into the file and run chmod 600 on it.',
  ),
  'input/no-keys': row(
    'EACCES',
    'never',
    'Give keys by --passwd-file, by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or store them in the keychain with the app.',
  ),
  'keychain/unavailable': row(
    'EIO',
    'never',
    'Start or unlock the keychain of this computer (on Linux: a Secret Service such as gnome-keyring).',
  ),
  'keychain/no-secret': row(
    'EACCES',
    'never',
    'The secret key is not in the keychain any more. Remove the connection and add it again.',
  ),
  'conflict/over': row(
    'ENOENT',
    'never',
    'Look at the list again: this conflict is over, or the bucket has a newer version by now.',
  ),
  'connection/exists': row(
    'EEXIST',
    'never',
    'Choose another name: a connection of this name exists.',
  ),
  'connection/missing': row('ENOENT', 'never', 'This connection was removed. Add it again.'),
  'connection/in-use': row('EBUSY', 'never', 'Remove the folders that use this connection first.'),
  'folder/no-role': row(
    'EINVAL',
    'never',
    'This folder sends or receives no batches. Mark it first: pail send, or pail receive.',
  ),
  'folder/role-nested': row(
    'EINVAL',
    'never',
    'Choose another folder: one inside or around this one sends or receives already.',
  ),
  'folder/no-file-manager': row(
    'ENOENT',
    'never',
    'No program opens folders here (xdg-open is missing). The path is in the list.',
  ),
  'settings/unwritable': row(
    'EIO',
    'never',
    'The settings cannot be written. Check the disk and the settings folder.',
  ),
  'engine/not-running': row('EIO', 'never', 'Start Pail, or mount a folder with pail mount.'),
  'engine/no-answer': row(
    'EIO',
    'backoff',
    'Wait a moment. If it stays silent, end its process and mount the folder again.',
  ),
  'engine/stopped': row('EIO', 'backoff', 'The engine restarts. Nothing that was closed is lost.'),
  // What a file system says. The remedy is for the log and the window; programs see the errno.
  'vfs/not-found': row('ENOENT', 'never', 'There is no such file.'),
  'vfs/exists': row('EEXIST', 'never', 'A file of this name exists.'),
  'vfs/not-a-directory': row('ENOTDIR', 'never', 'This is not a folder.'),
  'vfs/is-a-directory': row('EISDIR', 'never', 'This is a folder.'),
  'vfs/not-empty': row('ENOTEMPTY', 'never', 'The folder is not empty.'),
  'vfs/access': row('EACCES', 'never', 'You may not do this with this file.'),
  'vfs/not-permitted': row('EPERM', 'never', 'Object storage cannot do this.'),
  'vfs/read-only': row('EROFS', 'never', 'This folder is mounted read-only.'),
  'vfs/name-too-long': row(
    'ENAMETOOLONG',
    'never',
    'Use a shorter name: 255 bytes a name, 1,024 bytes a key unless mounted for longer ones.',
  ),
  'vfs/not-text': row('EILSEQ', 'never', 'Use a name that is valid UTF-8.'),
  'vfs/not-listable': row(
    'EILSEQ',
    'never',
    'Use a name without control characters: this server cannot list them.',
  ),
  'vfs/invalid': row('EINVAL', 'never', 'The request makes no sense.'),
  'vfs/bad-handle': row('EBADF', 'never', 'The file is not open any more.'),
  'vfs/stale': row('ESTALE', 'never', 'The file changed in the bucket. Open it again.'),
  'vfs/unsupported': row('EOPNOTSUPP', 'never', 'Object storage cannot do this.'),
  'vfs/too-large': row(
    'EFBIG',
    'never',
    'The file would be larger than object storage holds (10 TB).',
  ),
  'vfs/interrupted': row('EINTR', 'never', 'The program gave up waiting.'),
  'vfs/no-attribute': row('ENODATA', 'never', 'The file has no such attribute.'),
  'vfs/attribute-too-large': row(
    'E2BIG',
    'never',
    'Use a shorter value: an extended attribute holds 64 KiB.',
  ),
  'vfs/attributes-full': row(
    'ENOSPC',
    'never',
    'Remove extended attributes of this file first: it has too many.',
  ),
  'vfs/no-data': row('ENXIO', 'never', 'There is no data after this place in the file.'),
  'vfs/range': row('ERANGE', 'never', 'The buffer is too small for the answer.'),
  'vfs/cross-mount': row(
    'EXDEV',
    'never',
    'Copy the file instead: the places are in different buckets.',
  ),
  'vfs/busy': row('EBUSY', 'never', 'The file is in use.'),
  'internal/not-implemented': row('ENOSYS', 'never', 'Pail does not offer this.'),
  'internal/bug': row('EIO', 'never', 'Restart Pail, then send the report from Help.'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** Never empty: a schema wants to see that. */
export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}
export type WireError = {
  readonly code: ErrorCode
  readonly detail: string
  readonly where: Readonly<Record<string, string | number>>
}

declare global {
  interface ErrorConstructor {
    /** V8's: how many frames a new error notes. */
    stackTraceLimit: number
  }
}

/**
 * Ordinary answers to programs, thousands in a second: the stack of each would take longer to note than
 * the answer to find.
 */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(['vfs/not-found', 'vfs/no-attribute'])

export class PailError extends Error {
  override readonly name = 'PailError'
  readonly code: ErrorCode
  readonly detail: string
  readonly where: WireError['where']

  /** @param detail for the log: never a secret, never shown to a person on its own */
  constructor(code: ErrorCode, detail: string, where: WireError['where'] = {}, cause?: unknown) {
    const framesMax = Error.stackTraceLimit
    if (ANSWERS.has(code)) Error.stackTraceLimit = 0
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause })
    Error.stackTraceLimit = framesMax
    this.code = code
    this.detail = detail
    this.where = where
  }

  get errno(): Errno {
    return ERRORS[this.code].errno
  }

  get retry(): ErrorRow['retry'] {
    return ERRORS[this.code].retry
  }

  get remedy(): string {
    return ERRORS[this.code].remedy
  }

  toWire(): WireError {
    return { code: this.code, detail: this.detail, where: this.where }
  }

  static fromWire(wire: WireError): PailError {
    return new PailError(wire.code, wire.detail, wire.where)
  }

  /** Anything that is not a PailError is a defect of ours, and says so. */
  static from(thrown: unknown): PailError {
    if (thrown instanceof PailError) return thrown
    return new PailError('internal/bug', String(thrown), {}, thrown)
  }
}

/** Closes a `switch` over a union: a new member does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new PailError('internal/bug', `unexpected value ${String(value)}`)
}
