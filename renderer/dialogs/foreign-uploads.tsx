/**
 * Uploads below a folder that others began and never ended: shown with age and size, aborted by name.
 *
 * Keeps: nothing is chosen at first, and nothing is aborted without a second, named step.
 */
import { Button, Checkbox, Skeleton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconCircleCheck } from '@tabler/icons-react'
import { useState } from 'react'
import type { ForeignUpload } from '../../shared/engine-contract.ts'
import { formatBytes, formatCount } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { Failure } from '../parts/failure.tsx'
import { PathText } from '../parts/path-text.tsx'
import { useAction, useForeignUploads } from '../queries.ts'
import { abortSentence, ageWords, foundWords, olderThan } from '../view/foreign-uploads.ts'
import { remotePath } from '../view/mount-state.ts'
import { exactTime } from '../view/time.ts'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

/** An upload of one day takes a slow line; one of a week ago is most likely nobody's any more. */
const OLD_DAYS = 7

type ForeignProps = { readonly mount: MountRow; readonly onClose: () => void }

export function ForeignUploadsDialog({ mount, onClose }: ForeignProps) {
  const { data, error, refetch, isFetching } = useForeignUploads(mount.dir)
  const close = (
    <Button variant="default" onClick={onClose}>
      Close
    </Button>
  )
  return (
    <Dialog title={`Unfinished uploads in ${remotePath(mount)}`} onClose={onClose} size={620}>
      <div className={classes.form}>
        <p className={`${classes.text} ${classes.quiet}`}>
          Large files that other programs began to upload and did not end. No listing shows them,
          and the bucket’s owner pays for what was sent.
        </p>
        {error !== null && (
          <Failure error={error} title="The bucket could not be asked">
            <Button variant="default" size="xs" mt="sm" onClick={() => void refetch()}>
              Try again
            </Button>
          </Failure>
        )}
        {data === undefined && isFetching && <Looking />}
        {data !== undefined && data.count === 0 && <NoneOpen />}
        {data !== undefined && data.count > 0 ? (
          <Found dir={mount.dir} found={data} onClose={onClose} />
        ) : (
          <DialogButtons>{close}</DialogButtons>
        )}
      </div>
    </Dialog>
  )
}

function Looking() {
  return (
    <div role="status" aria-busy="true" aria-label="Asking the bucket">
      <Skeleton height={40} mb={8} />
      <Skeleton height={40} />
    </div>
  )
}

function NoneOpen() {
  return (
    <p className={classes.note} data-tone="good" role="status">
      <IconCircleCheck size={18} aria-hidden />
      No upload of others is open here.
    </p>
  )
}

type FoundProps = {
  readonly dir: string
  readonly found: { readonly uploads: readonly ForeignUpload[]; readonly count: number }
  readonly onClose: () => void
}

function Found({ dir, found, onClose }: FoundProps) {
  const abort = useAction('uploads/abort')
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const [isAsking, setAsking] = useState(false)
  const chosen = found.uploads.filter(({ uploadId }) => ids.has(uploadId))
  const submit = () => {
    abort.mutate(
      { dir, ids: chosen.map(({ uploadId }) => uploadId) },
      {
        onSuccess: ({ aborted }) => {
          notifications.show({ message: `${formatCount(aborted, 'upload')} aborted` })
          setIds(new Set())
          setAsking(false)
        },
      },
    )
  }
  if (isAsking && chosen.length > 0) {
    return (
      <section
        className={classes.form}
        aria-label={`Abort ${formatCount(chosen.length, 'upload')}?`}
      >
        <p className={`${classes.text} numbers`}>
          <strong>Abort {formatCount(chosen.length, 'upload')}?</strong> {abortSentence(chosen)}
        </p>
        {abort.error !== null && <Failure error={abort.error} title="Not all were aborted" />}
        <DialogButtons>
          <Button variant="default" data-autofocus onClick={() => setAsking(false)}>
            Back
          </Button>
          <Button color="red" loading={abort.isPending} onClick={submit}>
            Abort {formatCount(chosen.length, 'upload')}
          </Button>
        </DialogButtons>
      </section>
    )
  }
  return (
    <>
      <Uploads found={found} ids={ids} setIds={setIds} />
      <DialogButtons hint="Whoever began one may still be at it.">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        <Button
          color="red"
          variant="outline"
          disabled={chosen.length === 0}
          onClick={() => setAsking(true)}
        >
          Abort chosen…
        </Button>
      </DialogButtons>
    </>
  )
}

type UploadsProps = Pick<FoundProps, 'found'> & {
  readonly ids: ReadonlySet<string>
  readonly setIds: (ids: ReadonlySet<string>) => void
}

function Uploads({ found, ids, setIds }: UploadsProps) {
  const { uploads } = found
  const old = olderThan(uploads, { days: OLD_DAYS, nowMs: Date.now() })
  const toggle = (id: string) => {
    const next = new Set(ids)
    if (!next.delete(id)) next.add(id)
    setIds(next)
  }
  return (
    <div>
      <div className={classes.foundHead}>
        <span className="numbers">{foundWords(found)}</span>
        <Button
          variant="default"
          size="xs"
          disabled={old.length === 0}
          onClick={() => setIds(new Set(old.map(({ uploadId }) => uploadId)))}
        >
          Choose those older than a week
        </Button>
      </div>
      <ul className={classes.uploads} aria-label="Unfinished uploads">
        {uploads.map((upload) => (
          <li key={upload.uploadId} className={classes.upload}>
            <Checkbox
              size="xs"
              aria-label={`Choose ${upload.key}`}
              checked={ids.has(upload.uploadId)}
              onChange={() => toggle(upload.uploadId)}
            />
            <PathText text={upload.key} />
            <span className={`${classes.quiet} numbers`} title={exactTime(upload.startedMs)}>
              {ageWords(upload, Date.now())}
            </span>
            <span className={`${classes.size} numbers`}>{formatBytes(upload.sizeBytes)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
