/**
 * The options of s3fs that `pail mount -o` understands, ignores, or refuses. Pure.
 *
 * Keeps: an option that changes who can see the files, or whether they are safe, is never ignored.
 * @see https://github.com/s3fs-fuse/s3fs-fuse/blob/master/doc/man/s3fs.1.in
 */
import { PailError } from '../shared/errors.ts'

export type S3fsOptions = {
  readonly url?: string
  readonly passwordFile?: string
  readonly region?: string
  readonly readOnly: boolean
  readonly allowOther: boolean
  readonly syncXattrs: boolean
  readonly warnings: readonly string[]
}

type Found = { -readonly [Name in keyof Omit<S3fsOptions, 'warnings'>]: S3fsOptions[Name] }

/** What Pail does anyway. */
const ALREADY_SO: ReadonlySet<string> = new Set([
  'use_path_request_style',
  'rw',
  'nosuid',
  'nodev',
  'sigv4',
])

/** Tuning of s3fs, or words for the boot scripts: leaving them out harms nothing. */
const IGNORED: ReadonlySet<string> = new Set([
  '_netdev',
  'auto',
  'big_writes',
  'compat_dir',
  'connect_timeout',
  'dbglevel',
  'del_cache',
  'enable_noobj_cache',
  'ensure_diskfree',
  'kernel_cache',
  'list_object_max_keys',
  'max_dirty_data',
  'max_stat_cache_size',
  'multipart_size',
  'multireq_max',
  'noatime',
  'noauto',
  'nofail',
  'noxmlns',
  'parallel_count',
  'readwrite_timeout',
  'relatime',
  'retries',
  'singlepart_copy_limit',
  'stat_cache_expire',
  'use_cache',
])

const OWN_OWNERS = 'owner and mode are those that each object carries'
const TLS_ALWAYS = 'Pail always checks the server’s certificate'

/** Refused with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  allow_root: 'let every user in with allow_other, or none',
  uid: OWN_OWNERS,
  gid: OWN_OWNERS,
  umask: OWN_OWNERS,
  mp_umask: OWN_OWNERS,
  nonempty: 'Pail mounts on an empty folder only, so that no file is hidden',
  no_check_certificate: TLS_ALWAYS,
  ssl_verify_hostname: TLS_ALWAYS,
  public_bucket: 'Pail needs keys',
}

/**
 * @param groups each value of `-o`, comma lists
 * @throws PailError `input/invalid` naming the option that cannot be used
 */
export function parseS3fsOptions(groups: readonly string[]): S3fsOptions {
  const found: Found = { readOnly: false, allowOther: false, syncXattrs: false }
  const warnings: string[] = []
  for (const item of groups.flatMap((group) => group.split(',')).filter((text) => text !== '')) {
    const equals = item.indexOf('=')
    const name = equals < 0 ? item : item.slice(0, equals)
    const value = equals < 0 ? undefined : item.slice(equals + 1)
    if (name === 'url') found.url = given(name, value)
    else if (name === 'passwd_file') found.passwordFile = given(name, value)
    else if (name === 'endpoint' || name === 'region') found.region = given(name, value)
    else if (name === 'ro') found.readOnly = true
    else if (name === 'allow_other') found.allowOther = true
    else if (name === 'use_xattr') found.syncXattrs = value !== '0'
    else if (IGNORED.has(name)) warnings.push(`The option ${name} has no meaning here.`)
    else if (!ALREADY_SO.has(name)) throw refused(name)
  }
  return { ...found, warnings }
}

function given(name: string, value: string | undefined): string {
  if (value) return value
  throw new PailError('input/invalid', `The option ${name} needs a value: -o ${name}=…`)
}

/** Says the name alone: the value could be a secret. */
function refused(name: string): PailError {
  const why = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  if (why) return new PailError('input/invalid', `The option ${name} cannot be used: ${why}`)
  return new PailError('input/invalid', `The option -o ${name} is not known to Pail`)
}
