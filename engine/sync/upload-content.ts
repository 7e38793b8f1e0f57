/**
 * Brings one file's content into the bucket, under the precondition that belongs to it.
 *
 * Runs in: engine process, once for each journal entry that waits.
 * Keeps: `stored` is reported only for content that was seen to stand in the bucket; content that
 *        is not current any more is never sent; what a crash must not forget is saved first.
 * Never: decides about conflicts (`s3/precondition` is thrown), touches the journal or the tree.
 */
import { assertNever, PailError } from '../../shared/errors.ts'
import type { ObjectStore } from '../s3/object-store.ts'
import { type UploadDeps, type UploadJob, type UploadOutcome, UploadRun } from './upload-job.ts'
import { uploadParts } from './upload-multipart.ts'
import { abortOrphan, abortOrphans, type OrphanKeeper } from './upload-orphans.ts'
import type { PartsOutcome } from './upload-parts-open.ts'
import { planUpload } from './upload-plan.ts'
import { putWhole } from './upload-put.ts'
import { RecordKeeper, type UploadRecord, withOrphans } from './upload-record.ts'

/** How often an upload whose parts vanish on the server is begun anew. */
export const UPLOAD_RESTARTS_MAX = 2

/**
 * @throws PailError `s3/precondition` when somebody else's version stands at the key: a conflict;
 *         whatever the store throws that is not retried, or was retried in vain. The saved record
 *         then still holds what the next try can use.
 */
export async function uploadContent(job: UploadJob, deps: UploadDeps): Promise<UploadOutcome> {
  const keeper = new RecordKeeper(job.resume, (record) => job.save(record))
  const run = new UploadRun(job, deps, keeper)
  try {
    const outcome = await uploadOrRestart(run)
    if (outcome.kind === 'superseded') {
      await keeper.giveUpMultipart()
      await abortOrphans(orphansOf(run))
      return { outcome: 'superseded' }
    }
    if (keeper.record.orphans.length > 0) await abortOrphans(orphansOf(run))
    return { outcome: 'stored', etag: outcome.etag, orphans: keeper.record.orphans }
  } catch (thrown) {
    // A conflict goes on under another key: these parts will not be used.
    if (thrown instanceof PailError && thrown.code === 's3/precondition') {
      await keeper.giveUpMultipart()
      await abortOrphans(orphansOf(run))
    }
    throw thrown
  }
}

/**
 * Aborts every multipart upload that a record names, or whose id was lost.
 * @throws PailError when one cannot be aborted now: the record is then still needed
 */
export async function abandonUpload(
  store: ObjectStore,
  record: UploadRecord,
  signal?: AbortSignal,
): Promise<void> {
  const { multipart, opening, orphans } = record
  for (const orphan of withOrphans(orphans, multipart, opening)) {
    await abortOrphan({ store, record }, orphan, (work) => work(signal))
  }
}

function orphansOf(run: UploadRun): OrphanKeeper {
  return { store: run.job.store, keeper: run.keeper, request: (work) => run.request(work) }
}

type Ended = Extract<PartsOutcome, { kind: 'stored' | 'superseded' }>

async function uploadOrRestart(run: UploadRun): Promise<Ended> {
  const { job, keeper } = run
  const { sizeBytes, extents, base } = job.source
  let mayCopy = true
  for (let restarts = 0; ; ) {
    if (!job.isCurrent()) return { kind: 'superseded' }
    const uploadPartCopy = mayCopy && run.capabilities.uploadPartCopy
    const plan = planUpload({
      sizeBytes,
      extents,
      ...(base ? { base } : {}),
      capabilities: { uploadPartCopy },
      ...(run.deps.limits ? { limits: run.deps.limits } : {}),
    })
    const outcome = plan.kind === 'put' ? await putInstead(run) : await uploadParts(run, plan.parts)
    switch (outcome.kind) {
      case 'stored':
      case 'superseded':
        return outcome
      case 'no-copy':
        mayCopy = false
        break
      case 'gone':
        if (++restarts > UPLOAD_RESTARTS_MAX) throw outcome.error
        await keeper.giveUpMultipart()
        break
      default:
        assertNever(outcome)
    }
  }
}

/** One PUT; parts of older, larger content are not needed any more. */
async function putInstead(run: UploadRun): Promise<Ended> {
  await run.keeper.giveUpMultipart()
  const etag = await putWhole(run)
  return etag === undefined ? { kind: 'superseded' } : { kind: 'stored', etag }
}
