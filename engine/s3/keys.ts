/**
 * Rules between object keys and file names, as pure functions.
 *
 * Keeps: the mapping is one-to-one: two keys never share a name, and no name leaves its directory.
 * Never: asks the network or the disk; changes a key (keys are stored and sent as they are).
 */
import { createHash } from 'node:crypto'
import { PailError } from '../../shared/errors.ts'
import { KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { escapeForHost, type Host, hostOf, isRefusedName } from './host-names.ts'

/** NAME_MAX of Linux; macOS and Windows count other units and stay below it for ASCII names. */
export const NAME_BYTES_MAX = 255

/** Starts every name that stands for a component which cannot be a file name itself. */
const ALIAS_MARK = '~pail~'
/** Follows the mark when the alias is shortened and only a lookup leads back to the component. */
const SHORTENED_MARK = `${ALIAS_MARK}#`
const HOST = hostOf(process.platform)
const HASH_HEX_DIGITS = 16
const SHORTENED_FORM = new RegExp(`^${SHORTENED_MARK}.*~[0-9a-f]{${HASH_HEX_DIGITS}}$`, 's')

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export type NameOfComponent = {
  readonly name: string
  /** False: the name was shortened; the caller keeps the way back from name to component. */
  readonly isExact: boolean
}

/** Bytes of a key as the server counts them. */
export function keyBytes(key: string): number {
  return Buffer.byteLength(key)
}

/**
 * The file name under which one component of a key (the text between two slashes) is shown.
 *
 * Ordinary components are their own names. Those which no directory can hold (empty, `.`, `..`,
 * with NUL, longer than 255 bytes, refused by this host) get a visible alias, and so does a
 * component which looks like an alias, so that no two components share a name.
 */
export function nameOfComponent(component: string, host: Host = HOST): NameOfComponent {
  if (!needsAlias(component, host)) return { name: component, isExact: true }
  const name = ALIAS_MARK + escapeComponent(component, host)
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return { name, isExact: true }
  return { name: shortenedName(component, host), isExact: false }
}

/**
 * The component of a key that a file name stands for: the inverse of `nameOfComponent`.
 *
 * A shortened alias does not hold its whole component: look such names up first.
 */
export function componentOfName(name: string, host: Host = HOST): string {
  if (!name.startsWith(ALIAS_MARK) || SHORTENED_FORM.test(name)) return name
  const escaped = name.slice(ALIAS_MARK.length)
  const component = unescapeComponent(escaped)
  const isCanonical =
    component !== undefined &&
    escapeComponent(component, host) === escaped &&
    needsAlias(component, host)
  return isCanonical ? component : name
}

/**
 * The `count`-th name to show a component under whose own name something else has: an object `a`
 * beside keys below `a/`, or content under the key of a directory itself.
 */
export function nameBeside(name: string, count: number): string {
  const suffix = count === 1 ? ' (object)' : ` (object ${count})`
  return startWithin(name, NAME_BYTES_MAX - suffix.length) + suffix
}

/** True for names whose component only a lookup can tell. */
export function isShortenedName(name: string): boolean {
  return SHORTENED_FORM.test(name)
}

/**
 * The key prefix of a mounted subpath: empty, or ending with one slash.
 *
 * One leading slash (`BUCKET:/SUBPATH`) and a missing trailing one are accepted.
 * @throws PailError `mount/bad-prefix` with the reason
 */
export function normalizeSubpath(subpath: string): string {
  const trimmed = subpath.replace(/^\//, '').replace(/\/$/, '')
  if (trimmed === '' && subpath.length <= 1) return ''
  for (const component of trimmed.split('/')) refuseComponent(component, subpath)
  const prefix = `${trimmed}/`
  if (keyBytes(prefix) > KEY_BYTES_MAX) {
    throw badPrefix(`is longer than ${KEY_BYTES_MAX} bytes`, subpath)
  }
  return prefix
}

function refuseComponent(component: string, subpath: string): void {
  if (component === '') throw badPrefix('has an empty part (two slashes in a row)', subpath)
  if (component === '.' || component === '..') {
    throw badPrefix(`has the part "${component}"`, subpath)
  }
  if (component.includes('\0')) throw badPrefix('has a NUL character', subpath)
  if (component.search(LONE_SURROGATE) >= 0) throw badPrefix('is not valid Unicode', subpath)
}

function badPrefix(reason: string, subpath: string): PailError {
  return new PailError('mount/bad-prefix', `the path in the bucket ${reason}`, {
    subpath: subpath.slice(0, 200),
  })
}

function needsAlias(component: string, host: Host): boolean {
  if (component === '' || component === '.' || component === '..') return true
  if (component.includes('\0') || component.includes('/')) return true
  if (component.search(LONE_SURROGATE) >= 0) return true
  if (Buffer.byteLength(component) > NAME_BYTES_MAX) return true
  if (isRefusedName(component, host)) return true
  return isShortenedName(component) || componentOfName(component, host) !== component
}

/** `%` and `#` are escaped so that every escaped text reads back in one way only. */
function escapeComponent(component: string, host: Host): string {
  if (component === '.' || component === '..') return component.replaceAll('.', '%2E')
  const escaped = component
    .replaceAll('%', '%25')
    .replaceAll('#', '%23')
    .replaceAll('/', '%2F')
    .replaceAll('\0', '%00')
    .replace(LONE_SURROGATE, (unit) => `%u${unit.charCodeAt(0).toString(16).toUpperCase()}`)
  return escapeForHost(escaped, host, percentEscape)
}

function percentEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function unescapeComponent(escaped: string): string | undefined {
  if (/%(?!u[0-9A-F]{4}|[0-9A-F]{2})/.test(escaped)) return undefined
  return escaped.replace(/%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g, (_, unit?: string, byte?: string) =>
    String.fromCharCode(Number.parseInt(unit ?? byte ?? '0', 16)),
  )
}

function shortenedName(component: string, host: Host): string {
  const hash = createHash('sha256').update(component, 'utf16le').digest('hex')
  const tail = `~${hash.slice(0, HASH_HEX_DIGITS)}`
  const room = NAME_BYTES_MAX - SHORTENED_MARK.length - tail.length
  return SHORTENED_MARK + startWithin(escapeComponent(component, host), room) + tail
}

/** The longest start of `text` that fits, cut between characters. */
function startWithin(text: string, bytesMax: number): string {
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return text.slice(0, end)
}
