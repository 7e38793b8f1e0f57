/**
 * A bucket of many objects that is only ever listed: it answers ListObjectsV2 from a counter, so
 * that the time and the memory of a large listing are the reader's own.
 *
 * Never: checks a signature, stores anything.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const PAGE = 1000
const MODIFIED = '2026-01-01T00:00:00.000Z'

export type ListServer = {
  readonly url: string
  readonly pages: () => number
  stop(): Promise<void>
}

type Page = { readonly from: number; readonly to: number; readonly count: number }

function contents({ from, to }: Page): string {
  let text = ''
  for (let index = from; index < to; index++) {
    const key = keyAt(index)
    text += `<Contents><Key>${key}</Key><LastModified>${MODIFIED}</LastModified><ETag>&quot;${String(index).padStart(32, '0')}&quot;</ETag><Size>1000</Size><StorageClass>STANDARD</StorageClass></Contents>`
  }
  return text
}

const keyAt = (index: number): string => `file-${String(index).padStart(8, '0')}`

function pageOf(query: URLSearchParams, count: number): Page {
  const maxKeys = Math.min(PAGE, Number(query.get('max-keys') ?? PAGE))
  const prefix = query.get('prefix') ?? ''
  const from = Number(query.get('continuation-token') ?? 0)
  const isListed = 'file-'.startsWith(prefix)
  return { from, to: isListed ? Math.min(count, from + maxKeys) : from, count }
}

function listing(bucket: string, query: URLSearchParams, page: Page): string {
  const { from, to, count } = page
  const hasMore = to > from && to < count
  const token = hasMore ? `<NextContinuationToken>${to}</NextContinuationToken>` : ''
  const prefix = query.get('prefix') ?? ''
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><Prefix>${prefix}</Prefix><KeyCount>${to - from}</KeyCount><MaxKeys>${PAGE}</MaxKeys><EncodingType>url</EncodingType><IsTruncated>${hasMore}</IsTruncated>${token}${contents(page)}</ListBucketResult>`
}

export async function startListServer(count: number): Promise<ListServer> {
  let pages = 0
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const [bucket = '', ...key] = pathname.slice(1).split('/')
    request.resume()
    if (request.method === 'GET' && searchParams.get('list-type') === '2') {
      pages++
      response.setHeader('content-type', 'application/xml')
      response.end(listing(bucket, searchParams, pageOf(searchParams, count)))
      return
    }
    response.statusCode = request.method === 'HEAD' && key.join('') === '' ? 200 : 404
    response.end()
  }
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    pages: () => pages,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}
