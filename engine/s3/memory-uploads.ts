/**
 * Multipart uploads of the in-memory store.
 */
import { createHash } from 'node:crypto'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Etag, MultipartUpload, PartInfo, PutAttributes } from './object-store.ts'

type Upload = {
  readonly key: string
  readonly startedMs: number
  readonly attributes: PutAttributes
  readonly parts: Map<number, Part>
}

type Part = { readonly body: Uint8Array; readonly md5: Buffer; readonly etag: Etag }

type PartName = { readonly key: string; readonly uploadId: string; readonly partNumber: number }

const PARTS_MAX = 10_000

export class MemoryUploads {
  readonly #clock: Clock
  readonly #partBytesMin: number
  readonly #hasOpaqueEtags: boolean
  readonly #uploads = new Map<string, Upload>()
  #lastId = 0
  #lastEtag = 0

  constructor(options: { clock: Clock; partBytesMin: number; hasOpaqueEtags: boolean }) {
    this.#clock = options.clock
    this.#partBytesMin = options.partBytesMin
    this.#hasOpaqueEtags = options.hasOpaqueEtags
  }

  get count(): number {
    return this.#uploads.size
  }

  create(key: string, attributes: PutAttributes): string {
    const uploadId = `upload-${++this.#lastId}`
    const startedMs = this.#clock.nowMs()
    this.#uploads.set(uploadId, { key, startedMs, attributes, parts: new Map() })
    return uploadId
  }

  addPart({ key, uploadId, partNumber }: PartName, body: Uint8Array): Etag {
    const upload = this.#find(key, uploadId)
    if (!(partNumber >= 1 && partNumber <= PARTS_MAX)) {
      throw new PailError('s3/rejected', `part number ${partNumber}`, { key, status: 400 })
    }
    const md5 = createHash('md5').update(body).digest()
    const etag = this.#hasOpaqueEtags ? this.opaqueEtag() : etagOf(md5)
    upload.parts.set(partNumber, { body, md5, etag })
    return etag
  }

  /** Has the form of an MD5, and says nothing of any content. */
  opaqueEtag(): Etag {
    return etagOf(
      createHash('md5')
        .update(`opaque ${++this.#lastEtag}`)
        .digest(),
    )
  }

  parts(key: string, uploadId: string): PartInfo[] {
    return [...this.#find(key, uploadId).parts]
      .sort(([one], [other]) => one - other)
      .map(([partNumber, { body, etag }]) => ({ partNumber, etag, sizeBytes: body.length }))
  }

  /** The object that the named parts make; the upload stays open. */
  assemble(request: {
    key: string
    uploadId: string
    parts: ReadonlyArray<{ partNumber: number; etag: Etag }>
  }): { body: Uint8Array; etag: Etag; attributes: PutAttributes } {
    const { key, uploadId, parts } = request
    const upload = this.#find(key, uploadId)
    const found = parts.map(({ partNumber, etag }) => {
      const part = upload.parts.get(partNumber)
      if (part?.etag !== etag) throw invalid(key, `part ${partNumber} is another`)
      return part
    })
    this.#refuseShape(key, parts, found)
    const md5 = createHash('md5').update(Buffer.concat(found.map((part) => part.md5)))
    return {
      body: Buffer.concat(found.map(({ body }) => body)),
      etag: `"${md5.digest('hex')}-${found.length}"` as Etag,
      attributes: upload.attributes,
    }
  }

  remove(key: string, uploadId: string): void {
    if (this.#uploads.get(uploadId)?.key === key) this.#uploads.delete(uploadId)
  }

  list(prefix: string): MultipartUpload[] {
    return [...this.#uploads]
      .filter(([, { key }]) => key.startsWith(prefix))
      .map(([uploadId, { key, startedMs }]) => ({ key, uploadId, startedMs }))
  }

  #refuseShape(
    key: string,
    parts: ReadonlyArray<{ partNumber: number }>,
    found: ReadonlyArray<{ body: Uint8Array }>,
  ): void {
    if (parts.length === 0) throw invalid(key, 'no parts')
    const isRising = parts.every(
      ({ partNumber }, index) => index === 0 || partNumber > (parts[index - 1]?.partNumber ?? 0),
    )
    if (!isRising) throw invalid(key, 'parts out of order')
    if (found.slice(0, -1).some(({ body }) => body.length < this.#partBytesMin)) {
      throw invalid(key, 'a part that is not the last is too small')
    }
  }

  #find(key: string, uploadId: string): Upload {
    const upload = this.#uploads.get(uploadId)
    if (upload?.key === key) return upload
    throw new PailError('s3/no-key', 'no such upload', {
      key,
      status: 404,
      serverCode: 'NoSuchUpload',
    })
  }
}

function etagOf(md5: Buffer): Etag {
  return `"${md5.toString('hex')}"` as Etag
}

function invalid(key: string, detail: string): PailError {
  return new PailError('s3/rejected', detail, { key, status: 400 })
}
