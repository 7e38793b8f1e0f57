/**
 * Listings of the in-memory store: pages in the order of UTF-8 bytes (pure).
 */
import { PailError } from '../../shared/errors.ts'
import type { ListPage, ListRequest, ObjectInfo } from './object-store.ts'

/** @param keys sorted by `sortKeys` */
export function listPage(
  keys: readonly string[],
  request: ListRequest,
  infoOf: (key: string) => ObjectInfo,
): ListPage {
  const { prefix, delimiter, token, startAfter = '', keysMax = 1000 } = request
  const after = token === undefined ? startAfter : readToken(token)
  const objects: ObjectInfo[] = []
  const prefixes: string[] = []
  let last = ''
  for (let index = firstFrom(keys, prefix, after); index < keys.length; index++) {
    const key = keys[index] ?? ''
    if (!key.startsWith(prefix)) break
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
    const group = end < 0 ? undefined : key.slice(0, end + 1)
    if (group !== undefined && (group === after || group === last)) continue
    if (objects.length + prefixes.length >= keysMax) {
      return { objects, prefixes, next: writeToken(last) }
    }
    if (group === undefined) objects.push(infoOf(key))
    else prefixes.push(group)
    last = group ?? key
  }
  return { objects, prefixes }
}

/** By bytes of UTF-8, which equals the order of code points, not that of UTF-16 units. */
export function sortKeys(keys: readonly string[]): string[] {
  return keys
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .sort((one, other) => Buffer.compare(one.bytes, other.bytes))
    .map(({ key }) => key)
}

/** Index of the first key that has or follows `prefix` and comes behind `after`. */
function firstFrom(keys: readonly string[], prefix: string, after: string): number {
  const [prefixBytes, afterBytes] = [Buffer.from(prefix), Buffer.from(after)]
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const key = Buffer.from(keys[middle] ?? '')
    const isBehind =
      Buffer.compare(key, prefixBytes) >= 0 && (after === '' || Buffer.compare(key, afterBytes) > 0)
    if (isBehind) high = middle
    else low = middle + 1
  }
  return low
}

const writeToken = (key: string) => `m:${Buffer.from(key).toString('base64url')}`

function readToken(token: string): string {
  if (!token.startsWith('m:')) throw new PailError('s3/rejected', 'a token of another store')
  return Buffer.from(token.slice(2), 'base64url').toString()
}
