/** What is under way, then what waits, each with its reason. */
import { Button, Progress } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconCircleCheck, IconRefresh } from '@tabler/icons-react'
import { formatBytes, formatCount, otherWords, pendingWords } from '../../shared/sentences.ts'
import type { QueueEntry, SyncCounts, SyncView } from '../../shared/sync-model.ts'
import { showFailure } from '../mount-actions.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useAction, useActivityList, useStatus } from '../queries.ts'
import { nameOf, opWord, originWords, percentOf, progressWords, waitWords } from '../view/queue.ts'
import classes from './activity.module.css'
import { FileActions } from './file-actions.tsx'
import { Loaded, More } from './panel.tsx'

const ROW_HEIGHT = 60

export function QueuePanel() {
  const query = useActivityList('queue/list')
  const { status } = useStatus()
  return (
    <Loaded query={query}>
      {({ total, entries }) =>
        entries.length === 0 ? (
          <NothingWaits />
        ) : (
          <>
            {status.sync && <Summary sync={status.sync} />}
            <VirtualList
              label="Queue"
              entries={entries}
              rowHeight={ROW_HEIGHT}
              keyOf={(entry) => entry.seq ?? `${entry.bucket}/${entry.path}`}
              nameOf={({ path }) => nameOf(path)}
              row={(entry) => <QueueRow entry={entry} />}
            />
            <More total={total} shown={entries.length} />
          </>
        )
      }
    </Loaded>
  )
}

function NothingWaits() {
  return (
    <EmptyState
      icon={<IconCircleCheck size={44} stroke={1.3} color="var(--tone-good)" aria-hidden />}
      title="Nothing is waiting"
      text="Files that you save into a folder show here until they are in the bucket."
    />
  )
}

/** The figures of everything, and the one try for all of it. */
function Summary({ sync }: { readonly sync: SyncView }) {
  const retry = useAction('uploads/retry')
  const { counts, upBytesPerSecond, isPaused, isWorkingOffline } = sync
  const facts = [
    ...summaryOfPending(counts),
    ...(counts.downloading > 0 ? [`${formatCount(counts.downloading, 'file')} to fetch`] : []),
    ...(upBytesPerSecond > 0 ? [`${formatBytes(upBytesPerSecond)}/s`] : []),
    ...(isWorkingOffline ? ['working offline'] : isPaused ? ['uploads are paused'] : []),
  ]
  return (
    <div className={classes.tools}>
      <p className={`${classes.summary} numbers`}>{facts.filter(Boolean).join(' · ')}</p>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconRefresh size={15} aria-hidden />}
        loading={retry.isPending}
        disabled={isPaused || isWorkingOffline || counts.pendingFiles === 0}
        onClick={() =>
          retry.mutate(
            {},
            { onError: (thrown: unknown) => showFailure('Nothing was tried again', thrown) },
          )
        }
      >
        Try all now
      </Button>
    </div>
  )
}

/** Folders and changes stand beside the files; with nothing pending the line is about what is fetched. */
function summaryOfPending(counts: SyncCounts): string[] {
  if (counts.pendingFiles === 0) return []
  const [words, other] = [pendingWords(counts), otherWords(counts)]
  return words === other ? [`${words} to make in the bucket`] : [`${words} to upload`, other]
}

function QueueRow({ entry }: { readonly entry: QueueEntry }) {
  const { direction, path, bucket, sizeBytes, state } = entry
  const Direction = direction === 'up' ? IconArrowUp : IconArrowDown
  const isFile = entry.op === 'put' || entry.op === 'fetch'
  return (
    <div className={classes.queueRow} data-state={state}>
      <Direction size={18} stroke={1.8} aria-label={opWord(entry)} className={classes.direction} />
      <div className={classes.what}>
        <div className={`${classes.name} ${classes.nameLine}`} title={`${bucket}/${path}`}>
          <span className="ellipsis selectable">{nameOf(path)}</span>
          {!isFile && <span className={classes.op}>{opWord(entry)}</span>}
        </div>
        <div className={`${classes.quiet} ellipsis`} title={originWords(entry)}>
          {originWords(entry)}
        </div>
      </div>
      {state === 'running' ? <Running entry={entry} /> : <Waiting entry={entry} />}
      <div className={`${classes.size} numbers`}>{isFile ? formatBytes(sizeBytes) : ''}</div>
      <FileActions
        bucket={bucket}
        path={path}
        retrySeq={state === 'running' ? undefined : entry.seq}
      />
    </div>
  )
}

function Running({ entry }: { readonly entry: QueueEntry }) {
  return (
    <div className={classes.progress}>
      <Progress
        value={percentOf(entry)}
        size={6}
        aria-label={`${nameOf(entry.path)}: ${percentOf(entry)} %`}
      />
      <div className={`${classes.quiet} numbers ellipsis`}>{progressWords(entry)}</div>
    </div>
  )
}

function Waiting({ entry }: { readonly entry: QueueEntry }) {
  const words = waitWords(entry, Date.now())
  return (
    <div className={`${classes.reason} numbers`} data-state={entry.state} title={words}>
      {words}
    </div>
  )
}
