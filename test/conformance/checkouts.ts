/**
 * Where the sources of other projects' suites lie on this machine: the user says so, because they
 * are not ours to copy. docs/CONFORMANCE.md tells how to get them.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export type Checkouts = {
  /** github.com/pjd/pjdfstest */
  readonly pjdfstest: string
  /** github.com/s3fs-fuse/s3fs-fuse, whose suite also runs files of pjdfstest. */
  readonly s3fs: string
}

/** What each folder must contain, or it is another one. */
const SIGNS: Readonly<Record<keyof Checkouts, string>> = {
  pjdfstest: 'tests/misc.sh',
  s3fs: 'test/integration-test-main.sh',
}

/** @throws when a variable names a folder that is no such checkout */
function checkout(variable: string, name: keyof Checkouts): string | undefined {
  const path = process.env[variable]
  if (!path) return undefined
  if (existsSync(join(path, SIGNS[name]))) return path
  throw new Error(`${variable}: ${path} has no ${SIGNS[name]}`)
}

export const pjdfstestCheckout = () => checkout('PAIL_PJDFSTEST_SOURCE', 'pjdfstest')

export function s3fsCheckouts(): Checkouts | undefined {
  const [pjdfstest, s3fs] = [pjdfstestCheckout(), checkout('PAIL_S3FS_SOURCE', 's3fs')]
  return pjdfstest !== undefined && s3fs !== undefined ? { pjdfstest, s3fs } : undefined
}
