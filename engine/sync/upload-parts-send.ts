/**
 * Sends the parts of one plan, or has the server copy them.
 *
 * Keeps: each part is recorded with the digest of what was sent; a part is used again only when
 *        the server still has it and the local bytes are the same, by our record or by its ETag. Bodies in memory stay within
 *        the engine's upload buffers.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import { isCode, type UploadRun } from './upload-job.ts'
import { copiedFrom, type OpenedUpload, type PartsOutcome, readPart } from './upload-parts-open.ts'
import type { UploadPart } from './upload-plan.ts'
import { etagOfMd5, hasMd5Form, isSameEtag, md5Of } from './upload-proof.ts'
import type { PartRecord } from './upload-record.ts'

/** Parts of one file under way at once; memory and the endpoint's pace bound them as well. */
export const PARTS_PARALLEL_MAX = 8

type Interruption = Exclude<PartsOutcome, { kind: 'stored' }>

const SUPERSEDED: Interruption = { kind: 'superseded' }

/** All parts of one plan, several at once; the first failure ends the others. */
export class PartsSending {
  readonly #run: UploadRun
  readonly #parts: readonly UploadPart[]
  readonly #opened: OpenedUpload
  readonly #stop = new AbortController()
  readonly #etags = new Map<number, Etag>()
  #next = 0
  #doneBytes = 0
  /** Of parts on their way: what has left this computer, and may have to leave it again. */
  readonly #sentBytes = new Map<number, number>()
  #interruption: Interruption | undefined
  #failure: { readonly thrown: unknown } | undefined

  constructor(run: UploadRun, parts: readonly UploadPart[], opened: OpenedUpload) {
    this.#run = run
    this.#parts = parts
    this.#opened = opened
  }

  /** In order of the parts. */
  get etags(): ReadonlyArray<{ readonly partNumber: number; readonly etag: Etag }> {
    return this.#parts.flatMap(({ partNumber }) => {
      const etag = this.#etags.get(partNumber)
      return etag === undefined ? [] : [{ partNumber, etag }]
    })
  }

  /** Returns when nothing is under way any more; undefined: every part is there. */
  async all(): Promise<Interruption | undefined> {
    const { signal } = this.#run.job
    if (signal.aborted) throw signal.reason
    const onAbort = () => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const count = Math.min(PARTS_PARALLEL_MAX, this.#parts.length)
      await Promise.all(Array.from({ length: count }, () => this.#sendUntilDone()))
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) throw signal.reason
    if (this.#interruption) return this.#interruption
    if (this.#failure) throw this.#failure.thrown
    return undefined
  }

  async #sendUntilDone(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const part = this.#parts[this.#next++]
      if (!part) return
      try {
        const interruption = await (part.from === 'copy' ? this.#copy(part) : this.#send(part))
        if (interruption) this.#end(() => (this.#interruption ??= interruption))
      } catch (thrown) {
        this.#end(() => (this.#failure ??= { thrown }))
      }
    }
  }

  /** Only the first cause counts: what it ends fails as well. */
  #end(note: () => void): void {
    if (this.#stop.signal.aborted) return
    note()
    this.#stop.abort(new PailError('engine/stopped', 'another part ended the upload'))
  }

  async #send(part: UploadPart): Promise<Interruption | undefined> {
    const { job, deps } = this.#run
    const release = await deps.buffers.reserve(part.end - part.start, this.#stop.signal)
    try {
      if (!job.isCurrent()) return SUPERSEDED
      const body = await readPart(this.#run, part, this.#stop.signal)
      const content = await md5Of(body)
      const known = this.#known(part, content)
      if (known) {
        deps.buffers.give(body)
        this.#note(part, known.etag)
        return undefined
      }
      const arrived = this.#arrived(part, content)
      if (arrived !== undefined) deps.buffers.give(body)
      const etag = arrived ?? (await this.#upload(part, { body, content }))
      if (etag === undefined) return SUPERSEDED
      await this.#finish(part, { etag, content })
      return undefined
    } catch (thrown) {
      if (isCode(thrown, 's3/no-key')) return { kind: 'gone', error: thrown }
      throw thrown
    } finally {
      release()
    }
  }

  async #upload(
    part: UploadPart,
    { body, content }: { body: Uint8Array; content: string },
  ): Promise<Etag | undefined> {
    const { job, deps } = this.#run
    const { key, uploadId } = this.#opened.multipart
    let attempts = 0
    const stored = await this.#run.request(async (signal) => {
      attempts++
      if (!job.isCurrent()) return undefined
      const { partNumber } = part
      const onSent = (sentBytes: number) => this.#noteSent(part, sentBytes)
      const request = { key, uploadId, partNumber, body, md5Hex: content, onSent }
      const { etag } = await job.store.uploadPart(request, signal)
      const isWrong = hasMd5Form(etag) && !isSameEtag(etag, etagOfMd5(content))
      if (isWrong && this.#run.etagIsMd5) {
        throw new PailError('s3/integrity', `part stored as ${etag}, sent ${content}`, {
          key,
          partNumber,
        })
      }
      return etag
    }, this.#stop.signal)
    // An attempt that was given up may still send from it.
    if (attempts === 1) deps.buffers.give(body)
    return stored
  }

  async #copy(part: UploadPart): Promise<Interruption | undefined> {
    const { job } = this.#run
    const { base } = job.source
    if (!base) return { kind: 'no-copy' }
    const content = copiedFrom(this.#run)
    const known = this.#known(part, content)
    if (known) {
      this.#note(part, known.etag)
      return undefined
    }
    const { key, uploadId } = this.#opened.multipart
    const outcome = await this.#run.request(async (signal) => {
      if (!job.isCurrent()) return SUPERSEDED
      try {
        return await job.store.uploadPartCopy(
          {
            key,
            uploadId,
            partNumber: part.partNumber,
            sourceKey: base.key,
            sourceEtag: base.etag,
            offset: part.start,
            lengthBytes: part.end - part.start,
          },
          signal,
        )
      } catch (thrown) {
        return this.#withoutCopy(thrown)
      }
    }, this.#stop.signal)
    if ('kind' in outcome) return outcome
    await this.#finish(part, { etag: outcome.etag, content })
    return undefined
  }

  /** What makes the server's copy impossible, but not the upload: the bytes are sent instead. */
  #withoutCopy(thrown: unknown): Interruption {
    if (isCode(thrown, 's3/unsupported') || isCode(thrown, 's3/bad-reply')) {
      this.#run.lacks('uploadPartCopy')
      return { kind: 'no-copy' }
    }
    // A changed or missing base, or keys that may write but not copy (IBM COS has a permission of
    // its own for it), say nothing about the endpoint.
    const isHere = ['s3/precondition', 's3/no-key', 'auth/denied', 's3/rejected']
    if (thrown instanceof PailError && isHere.includes(thrown.code)) return { kind: 'no-copy' }
    throw thrown
  }

  #known(part: UploadPart, content: string): PartRecord | undefined {
    const known = this.#opened.known.get(part.partNumber)
    const isSame = known?.start === part.start && known.end === part.end
    return isSame && known.content === content ? known : undefined
  }

  /** The server holds these very bytes, though a crash came before that was recorded. */
  #arrived({ partNumber, start, end }: UploadPart, content: string): Etag | undefined {
    const there = this.#opened.listed.get(partNumber)
    if (there?.sizeBytes !== end - start || !this.#run.etagIsMd5) return undefined
    return isSameEtag(there.etag, etagOfMd5(content)) ? there.etag : undefined
  }

  async #finish(part: UploadPart, { etag, content }: { etag: Etag; content: string }) {
    const { partNumber, start, end } = part
    this.#note(part, etag)
    const { uploadId } = this.#opened.multipart
    await this.#run.keeper.change((record) => {
      if (record.multipart?.uploadId !== uploadId) return record
      const others = record.multipart.parts.filter((other) => other.partNumber !== partNumber)
      const parts = [...others, { partNumber, start, end, etag, content }]
      return { ...record, multipart: { ...record.multipart, parts } }
    })
  }

  #note({ partNumber, start, end }: UploadPart, etag: Etag): void {
    this.#etags.set(partNumber, etag)
    this.#sentBytes.delete(partNumber)
    this.#doneBytes += end - start
    this.#tell()
  }

  #noteSent({ partNumber }: UploadPart, sentBytes: number): void {
    this.#sentBytes.set(partNumber, sentBytes)
    this.#tell()
  }

  #tell(): void {
    let sentBytes = 0
    for (const bytes of this.#sentBytes.values()) sentBytes += bytes
    this.#run.job.onProgress?.({
      doneBytes: this.#doneBytes + sentBytes,
      partsDone: this.#etags.size,
      partsTotal: this.#parts.length,
    })
  }
}
