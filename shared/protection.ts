/**
 * Whether what goes to an endpoint is encrypted on the way. Pure.
 *
 * Keeps: an address of this very computer has no mark. Nothing of it leaves the computer, and a mark
 *        where there is no danger teaches people to overlook it where there is.
 */

const HTTP_HOST = /^http:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#]+)/i

/** `http:` to another computer. */
export function isUnprotected(endpointUrl: string): boolean {
  const host = HTTP_HOST.exec(endpointUrl)?.[1]
  return host !== undefined && !isLoopback(host)
}

/** Names and addresses that never leave this computer. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase()
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  )
}

export const UNPROTECTED_WORD = 'Unprotected'

/** What that means, for whoever uses it. The signature of a request tells nobody the secret key. */
export const UNPROTECTED_SENTENCE =
  'This address begins with http, so nothing is encrypted: others on the way can read your files and your access key, and can change what you download. A changed byte of a large file is noticed only once all of it is here. The secret key itself is never sent.'
export const UNPROTECTED_TODO = 'Use the https address of the server.'
