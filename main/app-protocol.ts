/**
 * Serves the window's files under `app://pail/` from one folder, each with its security headers.
 *
 * Keeps: no path outside the folder is read; styles that the components add at run time carry the
 *        nonce of this load, so that the policy needs no `unsafe-*`.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

export const APP_SCHEME = 'app'
export const APP_ORIGIN = 'app://pail'
/** Stands in index.html where the nonce of the load goes. */
const NONCE_PLACE = '%STYLE_NONCE%'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

export function contentSecurityPolicy(styleNonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${styleNonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** @returns the file that a URL names, or undefined when there is none inside `root` */
export function fileOf(root: string, url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (parsed.protocol !== 'app:' || parsed.host !== 'pail') return undefined
  const path = decoded(parsed.pathname)
  if (path === undefined || path.includes('\0') || path.includes('\\')) return undefined
  const file = join(root, path === '/' ? 'index.html' : path)
  return file.startsWith(root + sep) ? file : undefined
}

export async function serveAppFile(root: string, url: string): Promise<Response> {
  const file = fileOf(root, url)
  const type = file === undefined ? undefined : CONTENT_TYPES[extname(file)]
  if (file === undefined || type === undefined) return notFound()
  const nonce = randomBytes(16).toString('base64')
  const body = await readFile(file).catch(() => undefined)
  if (body === undefined) return notFound()
  const isPage = type.startsWith('text/html')
  const served = isPage ? body.toString('utf8').replaceAll(NONCE_PLACE, nonce) : body
  return new Response(new Uint8Array(Buffer.from(served)), {
    headers: { ...securityHeaders(nonce), 'Content-Type': type },
  })
}

function securityHeaders(nonce: string): Record<string, string> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(nonce),
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  }
}

function notFound(): Response {
  return new Response('Not found', { status: 404, headers: securityHeaders('none') })
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
