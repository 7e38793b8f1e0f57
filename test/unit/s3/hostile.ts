/**
 * A client in front of a server that answers as a script says, for the tests of hostile replies.
 */
import { afterAll, afterEach, beforeAll } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import type { Etag, ObjectStore } from '../../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import {
  type Answer,
  type FaultServer,
  reply,
  type Script,
  startFaultServer,
  xml,
} from '../../support/fault-server.ts'

export const ETAG = '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"' as Etag
export const OTHER_ETAG = '"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"'
export const SECRET = 'secret-canary-4711'
export const BODY = Buffer.from('0123456789')

export let server: FaultServer
export let store: ObjectStore
let service: S3ObjectService

/** Starts the server before the tests of a file, and gives each answer a fresh client. */
export function withHostileServer(): void {
  beforeAll(async () => {
    server = await startFaultServer()
  })
  afterEach(() => service?.close())
  afterAll(async () => {
    await server?.stop()
  })
}

export function answerWith(answer: Answer | ((nth: number) => Answer)): void {
  answerBy((_, nth) => (typeof answer === 'function' ? answer(nth) : answer))
}

export function answerBy(script: Script): void {
  server.answer(script)
  service = new S3ObjectService({
    endpoint: { url: server.url },
    credentials: { accessKeyId: 'access', secretAccessKey: SECRET },
    clock: new SystemClock(),
    limits: { idleMs: 250, workIdleMs: 250 },
  })
  store = service.bucket('bucket')
}

export const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'none' }),
    (error) => error,
  )

/** The answer to a GET of 10 bytes at offset 100, right but for what is overruled. */
export const part = (headers: Record<string, string> = {}, body: Uint8Array = BODY, status = 206) =>
  reply(
    status,
    {
      etag: ETAG,
      'content-range': 'bytes 100-109/1000',
      'content-type': 'application/octet-stream',
      'x-amz-request-id': 'TESTID',
      ...headers,
    },
    body,
  )

export async function getPart(): Promise<Uint8Array> {
  const into = new Uint8Array(10)
  await store.get({ key: 'k', etag: ETAG, offset: 100, into })
  return into
}

export const cut = (answer: Answer, ending: Answer['ending']): Answer => ({ ...answer, ending })

export const EMPTY_LIST = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
export const contents = (key: string, size = '3', etag: string = ETAG) =>
  `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>${etag}</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`
export const listing = (inner: string, truncated = 'false') =>
  xml(200, `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${inner}</ListBucketResult>`)
export const list = (token?: string) =>
  store.list({ prefix: 'p/', delimiter: '/', ...(token === undefined ? {} : { token }) })
