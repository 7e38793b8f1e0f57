/**
 * Extended attributes in the form in which s3fs keeps them beside an object. Pure.
 *
 * @see s3fs: x-amz-meta-xattr is URL-encoded JSON, names to values in base64
 */
import type { Xattr } from '../store/xattrs.ts'

/** As long as metadata of one object may be, all of it together, so nothing longer can be one. */
const TEXT_LENGTH_MAX = 8 * 1024

/** The system acts upon these: what a bucket says of them is kept there and never believed. */
const SYSTEM_PREFIXES = ['security.', 'system.', 'trusted.'] as const
/** Computed by Pail, never stored. */
export const VIRTUAL_PREFIX = 'user.pail.'

export function isSystemXattr(name: string): boolean {
  return SYSTEM_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** @returns the text for the metadata; undefined when there is nothing to say */
export function encodeXattrs(xattrs: readonly Xattr[]): string | undefined {
  if (xattrs.length === 0) return undefined
  const entries = xattrs.map(({ name, value }) => [name, Buffer.from(value).toString('base64')])
  return encodeURIComponent(JSON.stringify(Object.fromEntries(entries)))
}

/** @returns undefined for a text that is none of this form */
export function decodeXattrs(text: string): readonly Xattr[] | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  try {
    const found: unknown = JSON.parse(decodeURIComponent(text))
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined
    return Object.entries(found).flatMap(([name, value]) =>
      typeof value === 'string' && name !== '' && !name.includes('\0')
        ? [{ name, value: Buffer.from(value, 'base64') }]
        : [],
    )
  } catch {
    return undefined
  }
}
