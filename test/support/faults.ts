/** What can go wrong on the way to an S3 server and back, each as a fault for the proxy. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, Fault, ProxiedReply } from './fault-proxy.ts'
import { Dice } from './tree.ts'

const XML_HEADERS = { 'content-type': 'application/xml', 'x-amz-request-id': 'FAULT' }
const HTML_HEADERS = { 'content-type': 'text/html; charset=utf-8' }
export const PORTAL_TEXT = 'Please sign in to this network'
const PORTAL_PAGE = `<!DOCTYPE html><html><body>${PORTAL_TEXT}</body></html>`

export function xmlReply(status: number, body: string): ProxiedReply {
  return { status, headers: XML_HEADERS, body: Buffer.from(`<?xml version="1.0"?>\n${body}`) }
}

export function errorReply(status: number, code: string): ProxiedReply {
  return xmlReply(status, `<Error><Code>${code}</Code><Message>fault body</Message></Error>`)
}

/** The same reply with another body, whose length it then has. */
export function withBody(reply: ProxiedReply, body: Buffer): ProxiedReply {
  const { 'content-length': _, ...headers } = reply.headers
  return { ...reply, headers, body }
}

function withHeader(reply: ProxiedReply, name: string, value: string | undefined): ProxiedReply {
  const { [name]: _, ...headers } = reply.headers
  return { ...reply, headers: value === undefined ? headers : { ...headers, [name]: value } }
}

// The way there.

export const late =
  (ms: number): Fault =>
  async (exchange) => {
    await exchange.body()
    await sleep(ms)
    await exchange.send(await exchange.forward())
  }

export const resetAtOnce: Fault = (exchange) => exchange.reset()

export const resetInRequest =
  (bytes: number): Fault =>
  async (exchange) => {
    await exchange.readBytes(
      Math.min(bytes, Number(exchange.request.headers['content-length'] ?? 0)),
    )
    exchange.reset()
  }

export const silence: Fault = async (exchange) => {
  await exchange.body()
  exchange.hang()
}

/** Does not even read what is sent. */
export const deafness: Fault = (exchange) => exchange.hang()

export const flippedRequest: Fault = async (exchange) => {
  await exchange.send(await exchange.forward(flipped(await exchange.body())))
}

// The way back. The server has done what it was asked for.

export const lostReply: Fault = async (exchange) => {
  await exchange.forward()
  exchange.reset()
}

const delivered =
  (delivery: (reply: ProxiedReply) => Delivery): Fault =>
  async (exchange) => {
    const reply = await exchange.forward()
    await exchange.send(reply, delivery(reply))
  }

const half = ({ body }: ProxiedReply): number => Math.floor(body.length / 2)

export const resetInReply = delivered((reply) => ({ bytesMax: half(reply), ending: 'reset' }))
export const closedInReply = delivered((reply) => ({ bytesMax: half(reply), ending: 'close' }))
export const stalledReply = delivered((reply) => ({ bytesMax: half(reply), ending: 'hang' }))
/** As slow as a line can be; when the network is well again, the rest comes at once. */
export const slowReply = (pieceBytes: number, pauseMs: number): Fault =>
  delivered(() => ({ pieceBytes, pauseMs }))

/** The server does what it is asked for; the client sees something else. */
const changed =
  (change: (reply: ProxiedReply) => ProxiedReply): Fault =>
  async (exchange) =>
    exchange.send(change(await exchange.forward()))

/** Fewer bytes than there are, and a Content-Length that fits them. */
export const shortReply = changed((reply) => withBody(reply, reply.body.subarray(0, half(reply))))
export const longReply = changed((reply) => withBody(reply, Buffer.concat([reply.body, JUNK])))
/** More bytes than Content-Length says. */
export const overflowingReply = changed((reply) => ({
  ...reply,
  headers: { ...reply.headers, 'content-length': String(reply.body.length) },
  body: Buffer.concat([reply.body, JUNK]),
}))
const JUNK = Buffer.from('junk that belongs to nothing')

export const flippedReply = changed((reply) => withBody(reply, flipped(reply.body)))
export const withoutEtag = changed((reply) => withHeader(reply, 'etag', undefined))
/** As if it were another version. */
export const otherEtag = changed((reply) =>
  withHeader(
    withBody(
      reply,
      Buffer.from(reply.body.toString('latin1').replace(ETAG_IN_XML, OTHER), 'latin1'),
    ),
    'etag',
    reply.headers.etag === undefined ? undefined : `"${OTHER}"`,
  ),
)
const OTHER = '0123456789abcdef0123456789abcdef'
const ETAG_IN_XML = /(?<=<(?:\w+:)?ETag>(?:"|&#34;|&quot;)?)[0-9a-f]{32}(-\d+)?/g
/** For bodies that are an object's bytes. */
export const otherEtagHeader = changed((reply) => withHeader(reply, 'etag', `"${OTHER}"`))

export const rangeIgnored: Fault = async (exchange) => {
  const reply = await exchange.forward()
  if (reply.status !== 206) return exchange.send(reply)
  await exchange.send(withHeader({ ...reply, status: 200 }, 'content-range', undefined))
}

export const rangeShifted = changed((reply) => {
  const range = /^bytes (\d+)-(\d+)\/(.*)$/.exec(reply.headers['content-range'] ?? '')
  if (!range) return reply
  const [start, end] = [Number(range[1]) + 4096, Number(range[2]) + 4096]
  return withHeader(reply, 'content-range', `bytes ${start}-${end}/${range[3]}`)
})

// Something else answers.

/** The request is read and goes nowhere. */
export const answered =
  (reply: ProxiedReply): Fault =>
  async (exchange) =>
    exchange.send(reply)

/** The server does it, and this is what is heard of it. */
export const misheard =
  (reply: ProxiedReply): Fault =>
  async (exchange) => {
    await exchange.forward()
    await exchange.send(reply)
  }

export const portalPage = answered({
  status: 200,
  headers: HTML_HEADERS,
  body: Buffer.from(PORTAL_PAGE),
})
export const portalRedirect = answered({
  status: 302,
  headers: { ...HTML_HEADERS, location: 'http://127.0.0.1:9/sign-in' },
  body: Buffer.from(PORTAL_PAGE),
})
export const errorWith200 = answered(errorReply(200, 'InternalError'))
export const emptyOk = answered({ status: 200, headers: {}, body: Buffer.alloc(0) })
export const oddStatus = answered({ status: 418, headers: {}, body: Buffer.from('a teapot') })
export const notModified = answered({ status: 304, headers: {}, body: Buffer.alloc(0) })
export const clockRefused = answered(errorReply(403, 'RequestTimeTooSkewed'))
export const denied = answered(errorReply(403, 'AccessDenied'))
export const hugeHeaders: Fault = async (exchange) => {
  await exchange.body()
  exchange.sendRaw(`HTTP/1.1 200 OK\r\nx-filler: ${'x'.repeat(1024 * 1024)}\r\n`)
}
export const slowHeaders: Fault = async (exchange) => {
  await exchange.body()
  exchange.sendRaw('HTTP/1.1 200 OK\r\nx-never-end')
}
export const noHttp: Fault = (exchange) =>
  exchange.sendRaw('\x15\x03\x01\x00\x02\x02\x16 no http\r\n\r\n')

/** Each deletion is refused by name, within a 200. */
export const deletesRefused: Fault = async (exchange) => {
  const keys = [...(await exchange.body()).toString().matchAll(/<Key>(.*?)<\/Key>/gs)]
  const errors = keys.map(
    ([, key]) => `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`,
  )
  await exchange.send(xmlReply(200, `<DeleteResult>${errors.join('')}</DeleteResult>`))
}

// Listings that lie.

const listed = (change: (xml: string) => string): Fault =>
  changed((reply) => withBody(reply, Buffer.from(change(reply.body.toString()))))

export const garbageListing = listed((xml) => xml.replaceAll('<', '<<').replaceAll('Key', 'K&y'))
export const cutListing = listed((xml) => xml.slice(0, Math.floor(xml.length * 0.6)))
export const dtdListing = listed((xml) => {
  const entities = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
  const body = xml.replace(/^<\?xml[^>]*\?>\s*/, '').replace(/<Key>/, '<Key>&b;')
  return `<?xml version="1.0"?><!DOCTYPE x [${entities}]>${body}`
})
/** Every page says that there is another one, under the same token. */
export const endlessListing = listed((xml) =>
  xml
    .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '')
    .replace(
      /<IsTruncated>\w+<\/IsTruncated>/,
      '<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>',
    ),
)
const isFirst = (index: number) => index % 2 === 0
/** Every other entry is missing. */
export const thinnedListing = listed((xml) => {
  let index = 0
  return xml.replace(/<Contents>.*?<\/Contents>/gs, (entry) => (isFirst(index++) ? '' : entry))
})
export const foreignKeysListing = listed((xml) =>
  xml.replace(/<Key>/g, '<Key>outside-of-the-prefix/'),
)
export const pathKeysListing = listed((xml) =>
  xml.replace(/<Contents>/, `${entryOf('../../etc/passwd')}${entryOf('a/../../b')}<Contents>`),
)

function entryOf(key: string): string {
  const facts = '<LastModified>2026-01-01T00:00:00Z</LastModified><Size>3</Size>'
  return `<Contents><Key>${key}</Key>${facts}<ETag>"${OTHER}"</ETag></Contents>`
}

function flipped(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes
  const copy = Buffer.from(bytes)
  const at = Math.floor(copy.length / 2)
  copy[at] = (copy[at] ?? 0) ^ 0x10
  return copy
}

/** So many of the requests, chosen by the seed, are refused as too many or broken off. */
export function flakyWay(how: { seed: number; refused: number; reset: number }): Fault {
  const dice = new Dice(how.seed)
  return async (exchange) => {
    const chance = dice.below(1000) / 1000
    if (chance < how.reset) return exchange.reset()
    const isRefused = chance < how.reset + how.refused
    await exchange.body()
    await exchange.send(isRefused ? errorReply(503, 'SlowDown') : await exchange.forward())
  }
}
