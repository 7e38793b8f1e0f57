/**
 * The password file of s3fs: `ACCESS:SECRET`, or `BUCKET:ACCESS:SECRET` for one bucket.
 *
 * Never: puts a part of a line into an error; says its number.
 */
import * as fs from 'node:fs'
import { PailError } from '../shared/errors.ts'
import { Credentials } from '../shared/model.ts'

const FILE_BYTES_MAX = 64 * 1024
/** Everything but reading and writing by the owner. */
const FORBIDDEN_MODE = 0o177

/** The line for this bucket wins over the one for all. */
export function parsePasswordFile(text: string, bucket: string): Credentials {
  let general: Credentials | undefined
  let own: Credentials | undefined
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const entry = parseLine(line, index + 1)
    if (entry.bucket === undefined) {
      if (general) throw invalid(`line ${index + 1} is a second line for all buckets`)
      general = entry.credentials
    } else if (entry.bucket === bucket) {
      if (own) throw invalid(`line ${index + 1} is a second line for this bucket`)
      own = entry.credentials
    }
  }
  const chosen = own ?? general
  if (!chosen) throw invalid(`it has no keys for bucket ${bucket}`)
  return chosen
}

function parseLine(line: string, number: number): { bucket?: string; credentials: Credentials } {
  const fields = line.split(':')
  const [bucket, accessKeyId, secretAccessKey] =
    fields.length === 2 ? [undefined, ...fields] : fields
  const credentials = Credentials.safeParse({ accessKeyId, secretAccessKey })
  if (fields.length > 3 || bucket === '' || !credentials.success) {
    throw invalid(`line ${number} is not ACCESS:SECRET or BUCKET:ACCESS:SECRET`)
  }
  return bucket === undefined
    ? { credentials: credentials.data }
    : { bucket, credentials: credentials.data }
}

export type PasswordFileFacts = {
  readonly isFile: boolean
  readonly mode: number
  readonly uid: number
  readonly sizeBytes: number
}

/** @returns why the file cannot be trusted, or nothing */
export function judgePasswordFile(facts: PasswordFileFacts, ourUid: number): string | undefined {
  if (!facts.isFile) return 'it is not a file'
  if ((facts.mode & FORBIDDEN_MODE) !== 0) {
    return `others can read it (mode ${(facts.mode & 0o777).toString(8).padStart(3, '0')})`
  }
  if (ourUid !== 0 && facts.uid !== ourUid) return 'another user owns it'
  if (facts.sizeBytes > FILE_BYTES_MAX) return 'it is too long'
  return undefined
}

/** @throws PailError `input/password-file` */
export function readPasswordFile(path: string, bucket: string): Credentials {
  const fd = openPasswordFile(path)
  try {
    // Facts and content of one descriptor: the name may point elsewhere a moment later.
    const stats = fs.fstatSync(fd)
    const facts = { isFile: stats.isFile(), mode: stats.mode, uid: stats.uid }
    const why = judgePasswordFile({ ...facts, sizeBytes: stats.size }, process.getuid?.() ?? 0)
    if (why) throw invalid(why)
    return parsePasswordFile(fs.readFileSync(fd, 'utf8'), bucket)
  } catch (thrown) {
    throw new PailError(
      'input/password-file',
      `The password file ${path} cannot be used: ${PailError.from(thrown).detail}`,
      { path },
    )
  } finally {
    fs.closeSync(fd)
  }
}

/** O_NONBLOCK: opening a pipe must not wait for its other end. */
function openPasswordFile(path: string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException | undefined)?.code
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new PailError('input/password-file', `The password file ${path} ${why}`, { path })
  }
}

const invalid = (why: string): PailError => new PailError('input/password-file', why)
