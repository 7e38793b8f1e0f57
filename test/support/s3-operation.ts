/** Which S3 operation an HTTP request (path-style) asks for. Pure. */

export type S3Operation =
  | 'ListObjects'
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'CopyObject'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'CreateMultipart'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipart'
  | 'AbortMultipart'
  | 'ListParts'
  | 'RestoreObject'
  | 'ListMultiparts'
  | 'Other'

export type S3Request = {
  readonly operation: S3Operation
  readonly bucket: string
  /** Of a listing: its prefix. */
  readonly key: string
}

export type RequestLine = {
  readonly method: string
  /** As it stands on the request line. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export function s3RequestOf(line: RequestLine): S3Request {
  const { pathname, searchParams: query } = new URL(line.target, 'http://host')
  const [, bucket = '', ...rest] = pathname.split('/')
  const key = decodeURIComponent(rest.join('/'))
  if (key === '') {
    const listed = query.get('prefix') ?? ''
    return { operation: ofBucket(line.method, query), bucket, key: listed }
  }
  return { operation: ofObject(line, query), bucket, key }
}

function ofBucket(method: string, query: URLSearchParams): S3Operation {
  if (method === 'POST' && query.has('delete')) return 'DeleteObjects'
  if (method !== 'GET') return 'Other'
  if (query.has('uploads')) return 'ListMultiparts'
  return query.has('list-type') || query.has('prefix') ? 'ListObjects' : 'Other'
}

function ofObject({ method, headers }: RequestLine, query: URLSearchParams): S3Operation {
  const isCopy = headers['x-amz-copy-source'] !== undefined
  const isUpload = query.has('uploadId')
  switch (method) {
    case 'GET':
      return isUpload ? 'ListParts' : 'GetObject'
    case 'HEAD':
      return 'HeadObject'
    case 'PUT':
      if (isUpload) return isCopy ? 'UploadPartCopy' : 'UploadPart'
      return isCopy ? 'CopyObject' : 'PutObject'
    case 'POST':
      if (query.has('restore')) return 'RestoreObject'
      return isUpload ? 'CompleteMultipart' : 'CreateMultipart'
    case 'DELETE':
      return isUpload ? 'AbortMultipart' : 'DeleteObject'
    default:
      return 'Other'
  }
}
