/**
 * The demo's S3 server: fauxqs inside this process, on the loopback interface, in memory.
 *
 * Adds what it lacks and Pail asks for: conditional PUT, UploadPartCopy, empty bodies and large
 * ones. docs/decisions/0007-test-servers.md says what else it does not do.
 */
import { buildApp } from 'fauxqs'

/** Larger than any single PUT or part that Pail sends. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

/** @typedef {import('node:http').IncomingHttpHeaders} Headers */
/** @typedef {{ method: string, url: string, headers: Headers, body?: unknown }} Request */
/**
 * @typedef {object} Reply
 * @property {(name: string, value: string) => Reply} header
 * @property {(code: number) => Reply} status
 * @property {(body: string | Buffer) => PromiseLike<unknown>} send
 */
/** @typedef {{ method: string, url: string, headers?: Headers, payload?: string | Buffer }} Inner */
/**
 * What is used of fastify, whose types fauxqs does not pass on.
 * @typedef {object} App
 * @property {(at: 'preHandler', hook: (request: Request, reply: Reply) => Promise<void>) => void} addHook
 * @property {(type: string) => void} removeContentTypeParser
 * @property {(type: string, options: { parseAs: 'buffer', bodyLimit: number }, parse: Parse) => void} addContentTypeParser
 * @property {(where: { port: number, host: string }) => Promise<string>} listen
 * @property {(request: Inner) => Promise<{ statusCode: number, headers: Headers, rawPayload: Buffer }>} inject
 * @property {() => Promise<void>} close
 * @property {import('node:http').Server} server
 */
/** @typedef {(request: Request, body: Buffer, done: (error: null, body: Buffer) => void) => void} Parse */

/**
 * @param {ReadonlyMap<string, string | Buffer>} objects
 * @param {string} bucket
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startServer(bucket, objects) {
  /** @type {App} */
  const app = buildApp({ logger: false })
  acceptBodies(app)
  app.addHook('preHandler', (request, reply) => refuseUnmetConditions(app, request, reply))
  app.addHook('preHandler', (request, reply) => copyPart(app, request, reply))
  await app.listen({ port: 0, host: '127.0.0.1' })
  await app.inject({ method: 'PUT', url: `/${bucket}` })
  for (const [key, body] of objects) await putObject(app, `/${bucket}/${key}`, body)
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return { url: `http://127.0.0.1:${address.port}`, stop: () => app.close() }
}

/**
 * @param {App} app
 * @param {string} url
 * @param {string | Buffer} body
 */
async function putObject(app, url, body) {
  const headers = { 'content-type': 'application/octet-stream' }
  const { statusCode } = await app.inject({ method: 'PUT', url, headers, payload: body })
  if (statusCode !== 200) throw new TypeError(`the sample ${url} was refused: ${statusCode}`)
}

/** @param {App} app */
function acceptBodies(app) {
  app.removeContentTypeParser('*')
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  app.addHook('preHandler', async (request) => {
    if (request.method === 'PUT') request.body ??= Buffer.alloc(0)
  })
}

/** @param {Request} request @param {string} name @returns {string | undefined} */
function header(request, name) {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** @param {Request} request */
function pathOf(request) {
  return request.url.split('?')[0] ?? request.url
}

/**
 * @param {App} app
 * @param {Request} request
 * @param {Reply} reply
 */
async function refuseUnmetConditions(app, request, reply) {
  const isWrite = request.method === 'PUT' || request.method === 'POST'
  const ifMatch = header(request, 'if-match')
  const ifNoneMatch = header(request, 'if-none-match')
  if (!isWrite || (ifMatch === undefined && ifNoneMatch === undefined)) return
  const now = await app.inject({ method: 'HEAD', url: pathOf(request) })
  const etag = now.statusCode === 200 ? now.headers.etag : undefined
  const isMet = ifMatch === undefined ? etag === undefined : sameEtag(ifMatch, etag)
  if (isMet) return
  reply.header('content-type', 'application/xml')
  await reply.status(412).send(errorXml('PreconditionFailed', 'The object is another one now.'))
}

/** @param {string} asked @param {unknown} etag */
function sameEtag(asked, etag) {
  return typeof etag === 'string' && asked.replaceAll('"', '') === etag.replaceAll('"', '')
}

/** @param {string} code @param {string} message */
function errorXml(code, message) {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
}

/**
 * A part taken from another object: read the range, store it as an uploaded part.
 * @param {App} app
 * @param {Request} request
 * @param {Reply} reply
 */
async function copyPart(app, request, reply) {
  const source = header(request, 'x-amz-copy-source')
  if (request.method !== 'PUT' || !source || !request.url.includes('partNumber=')) return
  const range = header(request, 'x-amz-copy-source-range')
  const url = source.startsWith('/') ? source : `/${source}`
  const wanted = await app.inject({ method: 'GET', url, headers: range ? { range } : {} })
  if (wanted.statusCode >= 300) {
    await reply.status(wanted.statusCode).send(wanted.rawPayload)
    return
  }
  const headers = { 'content-type': 'application/octet-stream' }
  const payload = wanted.rawPayload
  const stored = await app.inject({ method: 'PUT', url: request.url, headers, payload })
  const etag = String(stored.headers.etag)
  const time = new Date().toISOString()
  reply.header('content-type', 'application/xml').status(200)
  await reply.send(
    `<?xml version="1.0"?><CopyPartResult><ETag>${etag}</ETag>` +
      `<LastModified>${time}</LastModified></CopyPartResult>`,
  )
}
