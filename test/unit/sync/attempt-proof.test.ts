/**
 * Goal: what a request of ours may have left is told from what others stored, also where ETags say
 *       nothing; and what cannot be told counts as theirs.
 */
import { describe, expect, test } from 'vitest'
import { MemoryObjectStore, md5Etag } from '../../../engine/s3/memory-object-store.ts'
import type { Etag } from '../../../engine/s3/object-store.ts'
import {
  isLeftByUs,
  judgeAttempt,
  PROOF_BYTES_MAX,
  type ProofParts,
} from '../../../engine/sync/attempt-proof.ts'
import { metadataDigest } from '../../../engine/sync/upload-proof.ts'
import type { Attempt } from '../../../engine/sync/upload-record.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const OWN_TIME = { mtime: '1700000000.123456789' }
const WHOLE_TIME = { mtime: '1700000000' }

function makeProof(hasOpaqueEtags = true) {
  const store = new MemoryObjectStore({ clock: new FakeClock(), hasOpaqueEtags })
  const signal = new AbortController().signal
  const parts: ProofParts = { store, hasOpaqueEtags, request: (work) => work(signal) }
  const isOurs = async (attempt: Attempt, key = 'key') => {
    store.resetRequests()
    return isLeftByUs(parts, [attempt], await store.head(key))
  }
  return { store, isOurs }
}

function attemptOf(text: string): Attempt {
  const body = Buffer.from(text)
  return { etag: md5Etag(body), sizeBytes: body.length }
}

describe('What a request may have left', () => {
  test('is told by its ETag where that is a digest, and nothing is asked for', async () => {
    const { store, isOurs } = makeProof(false)
    store.putDirect('key', 'ours')
    expect(await isOurs(attemptOf('ours'))).toBe(true)
    expect(await isOurs(attemptOf('some'))).toBe(false)
    expect(store.requests()).toEqual({ head: 1 })
  })

  test('is told by its bytes where ETags say nothing', async () => {
    const { store, isOurs } = makeProof()
    store.putDirect('key', 'ours')
    expect(await isOurs(attemptOf('ours'))).toBe(true)
    expect(await isOurs(attemptOf('some'))).toBe(false)
    expect(await isOurs(attemptOf('longer'))).toBe(false)
    expect(store.requests(), 'of another size').toEqual({ head: 1 })
  })

  test('is a copy when its source has the same bytes, and unknown when that is gone', async () => {
    const { store, isOurs } = makeProof()
    const etag = store.putDirect('source', 'bytes')
    store.putDirect('key', 'bytes')
    const attempt = { etag, sizeBytes: 5, source: 'source' }
    expect(await isOurs(attempt)).toBe(true)
    store.putDirect('key', 'other')
    expect(await isOurs(attempt)).toBe(false)
    store.putDirect('key', 'bytes')
    store.deleteDirect('source')
    expect(await isOurs(attempt)).toBe(false)
  })

  test('is told by metadata with a time of its own where no digest of the whole is known', async () => {
    const { store, isOurs } = makeProof()
    const made = (metadata: Record<string, string>) => ({
      ...{ etag: `"${'ab'.repeat(16)}-2"` as Etag, sizeBytes: 5 },
      metadata: metadataDigest(metadata),
    })
    store.putDirect('key', 'parts', { metadata: OWN_TIME })
    expect(await isOurs(made(OWN_TIME))).toBe(true)
    expect(await isOurs(made({ ...OWN_TIME, mode: '33188' }))).toBe(false)
    store.putDirect('key', 'parts', { metadata: WHOLE_TIME })
    expect(await isOurs(made(WHOLE_TIME)), 'a time that anybody can set').toBe(false)
  })

  test('is a rewrite of attributes when it carries what was written', async () => {
    const { store, isOurs } = makeProof()
    const etag = store.putDirect('key', 'bytes', { metadata: { mode: '33188' } })
    const metadata = { mode: '33152' }
    const attempt = { etag, sizeBytes: 5, source: 'key', metadata: metadataDigest(metadata) }
    store.putDirect('key', 'other', { metadata: { mode: '33188' } })
    expect(await isOurs(attempt)).toBe(false)
    await store.copy({ sourceKey: 'key', key: 'key', replace: { metadata } })
    expect(await isOurs(attempt)).toBe(true)
  })

  test('is not read when it is large: only its metadata counts', async () => {
    const { store, isOurs } = makeProof()
    const body = new Uint8Array(PROOF_BYTES_MAX + 1)
    const etag = store.putDirect('source', body, { metadata: OWN_TIME })
    const attempt = { etag, sizeBytes: body.length, source: 'source' }
    store.putDirect('key', body, { metadata: OWN_TIME })
    expect(await isOurs(attempt)).toBe(true)
    expect(store.requests().get ?? 0).toBe(0)
    store.putDirect('key', body, { metadata: WHOLE_TIME })
    expect(await isOurs(attempt)).toBe(false)
  })

  test('is anything empty where an empty object was sent', () => {
    const seen = { etag: '"v1"' as Etag, sizeBytes: 0 }
    expect(judgeAttempt(attemptOf(''), seen, false)).toBe('ours')
    expect(judgeAttempt(attemptOf('x'), seen, true)).toBe('other')
  })
})
