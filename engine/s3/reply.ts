/**
 * What a server answered, before any of it is believed, and first judgements about it (pure).
 */
import type { WireError } from '../../shared/errors.ts'
import { child, childText, parseXml, type XmlElement } from './xml.ts'

export type ReplyHead = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export type Reply = ReplyHead & {
  /** Empty when the body went straight to its destination. */
  readonly body: Uint8Array
}

/** Facts of the request that an error should carry. */
export type Where = WireError['where']

/** What an S3 server says about a failure, as far as it says it. */
export type S3Failure = {
  readonly code: string
  readonly message: string
  readonly region?: string
  readonly endpoint?: string
}

const MESSAGE_CHARACTERS_MAX = 300

/** Headers that S3 servers send and that sign-in pages and proxies do not. */
export function hasS3Headers(reply: ReplyHead): boolean {
  return Object.keys(reply.headers).some(
    (name) => name.startsWith('x-amz-') || name === 'x-clv-request-id',
  )
}

/** True for a web page: a captive portal, a proxy's notice, or an address that is no S3 server. */
export function isWebPage(reply: Reply): boolean {
  const type = reply.headers['content-type'] ?? ''
  const isHtml = /^\s*(text\/html|application\/xhtml)/i.test(type)
  if (isHtml && !saysEmpty(reply) && !hasS3Headers(reply)) return true
  const start = Buffer.from(reply.body.subarray(0, 256)).toString('latin1').trimStart()
  return /^(<\?xml[^>]*>\s*)?(<!doctype\s+html|<html)/i.test(start)
}

/** Web frameworks give each answer a type, even where there is nothing: an empty page is no page. */
function saysEmpty({ status, headers }: ReplyHead): boolean {
  return status === 204 || headers['content-length'] === '0'
}

/** The request's name at the server, for its support. */
export function requestId(reply: ReplyHead): string | undefined {
  return reply.headers['x-amz-request-id'] ?? reply.headers['x-clv-request-id']
}

/** The `<Error>` of a reply, whatever its status; undefined when there is none. */
export function failureOf(reply: Reply): S3Failure | undefined {
  const start = Buffer.from(reply.body.subarray(0, 1024)).toString('latin1')
  if (!/<(\w+:)?Error(Response)?[\s>]/.test(start)) return undefined
  const root = rootOf(reply)
  if (!root) return undefined
  const error = root.name === 'ErrorResponse' ? child(root, 'Error') : root
  if (error?.name !== 'Error') return undefined
  const region = childText(error, 'Region')
  const endpoint = childText(error, 'Endpoint')
  return {
    code: printable(childText(error, 'Code') ?? ''),
    message: printable(childText(error, 'Message') ?? ''),
    ...(region ? { region: printable(region) } : {}),
    ...(endpoint ? { endpoint: printable(endpoint) } : {}),
  }
}

/** An error body that cannot be read is no reason to fail in another way than its status says. */
function rootOf(reply: Reply): XmlElement | undefined {
  try {
    return parseXml(Buffer.from(reply.body).toString('utf8').trim())
  } catch {
    return undefined
  }
}

/** Server text for a log line: one line, no control or direction characters, not long. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MESSAGE_CHARACTERS_MAX)
}
