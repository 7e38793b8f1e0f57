/**
 * The one request that makes new content visible (PUT, Complete): its precondition, and what to
 * think of it when its reply is a refusal or was lost.
 */
import { PailError } from '../../shared/errors.ts'
import type { Capabilities, Etag, ObjectHead, Precondition } from '../s3/object-store.ts'
import { isLeftByUs, type ProofParts } from './attempt-proof.ts'
import { isCode, type UploadRun } from './upload-job.ts'
import { hasMetadataOf, isSameEtag, judge, metadataDigest, type Sent } from './upload-proof.ts'

/** Looks at the key and tries again at most so often within one attempt. */
const COMMIT_TURNS_MAX = 4

export type Committed =
  | { readonly kind: 'acknowledged'; readonly etag: Etag }
  /** Found in the bucket: an earlier request of ours, whose reply was lost, has done it. */
  | { readonly kind: 'found'; readonly etag: Etag }
  | { readonly kind: 'superseded' }

export type Commit = {
  readonly run: UploadRun
  readonly sent: Sent
  readonly conditional: 'conditionalPut' | 'conditionalComplete'
  /** @param precondition what the server is to check; undefined when there is nothing */
  send(precondition: Precondition | undefined, signal: AbortSignal): Promise<{ etag: Etag }>
  /** Is this version made of what is sent? Asked when only its metadata says so. */
  hasContent(etag: Etag, signal: AbortSignal): Promise<boolean>
}

/**
 * One attempt.
 * @throws PailError `s3/precondition` when somebody else's version stands at the key
 */
export async function commitOnce(commit: Commit, signal: AbortSignal): Promise<Committed> {
  const { run } = commit
  for (let turn = 0; turn < COMMIT_TURNS_MAX; turn++) {
    if (!run.job.isCurrent()) return { kind: 'superseded' }
    const isHonoured = run.capabilities[commit.conditional]
    if (run.precondition && !isHonoured) {
      const found = await look(commit, signal)
      if (found) return found
      if (!run.job.isCurrent()) return { kind: 'superseded' }
    }
    try {
      const { etag } = await commit.send(isHonoured ? run.precondition : undefined, signal)
      return { kind: 'acknowledged', etag }
    } catch (thrown) {
      if (!run.precondition || !isHonoured) throw thrown
      if (isCode(thrown, 's3/unsupported')) {
        run.lacks(commit.conditional satisfies keyof Capabilities)
      } else if (isRefusal(commit, thrown)) {
        const found = await look(commit, signal)
        if (found) return found
      } else {
        throw thrown
      }
    }
  }
  throw conflict(run, 'the precondition fails although it seems to hold')
}

/** S3 answers a PUT with If-Match for an object that was deleted by 404. */
function isRefusal({ conditional }: Commit, thrown: unknown): boolean {
  if (isCode(thrown, 's3/precondition')) return true
  return conditional === 'conditionalPut' && isCode(thrown, 's3/no-key')
}

/** Undefined when the way is free, perhaps under another precondition than before. */
async function look(commit: Commit, signal: AbortSignal): Promise<Committed | undefined> {
  const { run, sent } = commit
  if (!run.precondition) return undefined
  const head = await run.head(signal)
  const verdict = judge(head, run.precondition, sent)
  if (verdict.kind === 'go') {
    run.precondition = verdict.precondition
    return undefined
  }
  const { attempted } = run.keeper.record
  const isChangedSince = head && commit.conditional === 'conditionalPut' && isOlder(head, commit)
  if (verdict.kind === 'stored' && !isChangedSince) {
    if (await isProven(commit, verdict.etag, signal)) return { kind: 'found', etag: verdict.etag }
  }
  if (!head || !(await isLeftByUs(proofIn(run, signal), attempted, head))) {
    throw conflict(run, 'another version stands at the key')
  }
  // What an earlier request of ours has left there is replaced: that is no conflict.
  run.precondition = { ifMatch: head.etag }
  return undefined
}

/** Left by an earlier try with what the file was then: its mode, say, is another one since. */
function isOlder(head: ObjectHead, { run, sent }: Commit): boolean {
  if (hasMetadataOf(head, sent.attributes)) return false
  const digest = metadataDigest(head.metadata)
  return run.keeper.record.attempted.some(({ metadata }) => metadata === digest)
}

/** What is looked at belongs to the one attempt. */
function proofIn(run: UploadRun, signal: AbortSignal): ProofParts {
  const request = <T>(work: (one: AbortSignal) => Promise<T>) => work(signal)
  return { store: run.job.store, hasOpaqueEtags: !run.etagIsMd5, request }
}

/** The same metadata could be beside other bytes. */
async function isProven(commit: Commit, etag: Etag, signal: AbortSignal): Promise<boolean> {
  const { sent } = commit
  if (sent.etag && isSameEtag(sent.etag, etag)) return true
  return commit.hasContent(etag, signal)
}

function conflict(run: UploadRun, detail: string): PailError {
  return new PailError('s3/precondition', detail, { key: run.job.key })
}
