/** What waits for a person, grouped by its cause, each with what would help. */
import { Button } from '@mantine/core'
import { IconCircleCheck, IconKey, IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { formatCount } from '../../shared/sentences.ts'
import type { AttentionEntry, AttentionGroup } from '../../shared/sync-model.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { needsPerson } from '../../shared/window-verdict.ts'
import { showFailure, useDeletesAnswer, useMountActions } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import { RestoreButton } from '../parts/archived.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { PathText } from '../parts/path-text.tsx'
import { ToneIcon } from '../parts/tone.tsx'
import { useAction, useActivityList, useStatus } from '../queries.ts'
import { restoreUnderWay } from '../view/archived.ts'
import {
  connectionOf,
  groupsBeside,
  heldNames,
  heldSentence,
  isAboutKeys,
  serverWords,
} from '../view/attention.ts'
import { folderName, stateAction, stateWord } from '../view/mount-state.ts'
import { localPathOf, nameOf } from '../view/queue.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import classes from './activity.module.css'
import { FileActions } from './file-actions.tsx'
import { Loaded, More } from './panel.tsx'

export function AttentionPanel() {
  const query = useActivityList('attention/list')
  const { status } = useStatus()
  const folders = status.mounts.filter(needsPerson)
  return (
    <Loaded query={query}>
      {({ entries }) =>
        groupsBeside(entries, folders).length === 0 && folders.length === 0 ? (
          <NothingNeeded />
        ) : (
          <div className={classes.scroll}>
            {folders.map((mount) =>
              mount.heldDeletes === undefined ? (
                <FolderCard key={mount.dir} mount={mount} />
              ) : (
                <HeldCard key={mount.dir} mount={mount} held={mount.heldDeletes} />
              ),
            )}
            {groupsBeside(entries, folders).map((group) => (
              <GroupCard key={group.cause} group={group} mounts={status.mounts} />
            ))}
          </div>
        )
      }
    </Loaded>
  )
}

function NothingNeeded() {
  return (
    <EmptyState
      icon={<IconCircleCheck size={44} stroke={1.3} color="var(--tone-good)" aria-hidden />}
      title="Nothing needs you"
      text="When something cannot go on without you, its cause and what helps are shown here."
    />
  )
}

type CauseProps = {
  readonly title: string
  readonly note: string
  readonly actions: ReactNode
  readonly children?: ReactNode
}

function CauseCard({ title, note, actions, children }: CauseProps) {
  return (
    <section className={classes.card} aria-label={title}>
      <div className={classes.cause}>
        <ToneIcon tone="attention" />
        <div className={classes.what}>
          <div className={classes.name}>{title}</div>
          <div className={`${classes.quiet} numbers`}>{note}</div>
        </div>
        <div className={classes.causeActions}>{actions}</div>
      </div>
      {children}
    </section>
  )
}

type GroupProps = { readonly group: AttentionGroup; readonly mounts: readonly MountRow[] }

function GroupCard({ group, mounts }: GroupProps) {
  const retry = useAction('uploads/retry')
  const { open } = useNavigation()
  const connectionId = connectionOf(mounts, group.entries[0]?.bucket ?? '')
  const onError = (thrown: unknown) => showFailure('Nothing was tried again', thrown)
  return (
    <CauseCard
      title={group.sentence}
      note={`${formatCount(group.total, 'file')} · ${group.cause}`}
      actions={
        <>
          {isAboutKeys(group) && connectionId !== undefined && (
            <KeysButton onClick={() => open({ kind: 'renew-keys', id: connectionId })} />
          )}
          {group.cause !== 'mount/deletes-held' && (
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRefresh size={15} aria-hidden />}
              loading={retry.isPending}
              onClick={() => retry.mutate({ cause: group.cause }, { onError })}
            >
              {group.total > 1 ? 'Try all of these again' : 'Try again'}
            </Button>
          )}
        </>
      }
    >
      <ul className={classes.files}>
        {group.entries.map((entry) => (
          <FileEntry key={entry.seq} entry={entry} cause={group.cause} />
        ))}
      </ul>
      <More total={group.total} shown={group.entries.length} />
    </CauseCard>
  )
}

function KeysButton({ onClick }: { readonly onClick: () => void }) {
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconKey size={15} aria-hidden />}
      onClick={onClick}
    >
      Enter newer keys…
    </Button>
  )
}

type EntryProps = {
  readonly entry: AttentionEntry
  readonly cause: AttentionGroup['cause']
}

function FileEntry({ entry, cause }: EntryProps) {
  const { bucket, path, pathNow = path, atMs } = entry
  const { status } = useStatus()
  const place = { bucket, path: pathNow }
  const local = cause === 's3/archived' ? localPathOf(status.mounts, place) : undefined
  const underWay = local === undefined ? undefined : restoreUnderWay(status, local)
  const words = underWay ?? serverWords(entry)
  return (
    <li className={classes.file} aria-label={path}>
      <div className={classes.what}>
        <PathText text={`${bucket}/${path}`} />
        <div className={`${classes.quiet} ellipsis selectable`} title={entry.detail}>
          {words}
        </div>
      </div>
      <div className={classes.fileFacts}>
        <span className={`${classes.quiet} numbers`} title={exactTime(atMs)}>
          {relativeTime(atMs, Date.now())}
        </span>
        {local !== undefined && underWay === undefined && (
          <RestoreButton path={local} label={`Restore ${nameOf(pathNow)}`} />
        )}
      </div>
      <FileActions {...place} retrySeq={entry.seq} />
    </li>
  )
}

type HeldProps = {
  readonly mount: MountRow
  readonly held: NonNullable<MountRow['heldDeletes']>
}

/** Bringing back is the answer at hand: it loses nothing. The other one is asked about once more. */
function HeldCard({ mount, held }: HeldProps) {
  const { open } = useNavigation()
  const { bringBack, isAnswering } = useDeletesAnswer(mount)
  const names = heldNames(held)
  return (
    <CauseCard
      title={`${folderName(mount.dir)}: ${heldSentence(held)}`}
      note={`Removed ${relativeTime(held.sinceMs, Date.now())}, so many at once that Pail asks first. Until you answer nothing is lost.`}
      actions={
        <>
          <Button
            color="red"
            variant="outline"
            size="xs"
            disabled={isAnswering}
            onClick={() => open({ kind: 'delete-held', dir: mount.dir })}
          >
            Delete in the bucket…
          </Button>
          <Button size="xs" loading={isAnswering} onClick={bringBack}>
            Bring them back
          </Button>
        </>
      }
    >
      {names !== '' && (
        <p className={`${classes.heldNames} selectable`} title={names}>
          {names}
        </p>
      )}
    </CauseCard>
  )
}

function FolderCard({ mount }: { readonly mount: MountRow }) {
  const { open } = useNavigation()
  const { connectionId } = mount
  return (
    <CauseCard
      title={`${folderName(mount.dir)}: ${stateWord(mount.state)}`}
      note={mount.reason ?? mount.dir}
      actions={
        <>
          {mount.state === 'needs-sign-in' && connectionId !== undefined && (
            <KeysButton onClick={() => open({ kind: 'renew-keys', id: connectionId })} />
          )}
          <AgainButton mount={mount} />
        </>
      }
    />
  )
}

/** Mounts what is not mounted; what is mounted asks its server once more. */
function AgainButton({ mount }: { readonly mount: MountRow }) {
  const actions = useMountActions()
  const retry = useAction('uploads/retry')
  const { dir, isMounted } = mount
  if (!isMounted && stateAction(mount) !== 'mount') return null
  const onError = (thrown: unknown) => showFailure('Nothing was tried again', thrown)
  return (
    <Button
      variant="default"
      size="xs"
      loading={actions.isMounting || retry.isPending}
      onClick={() => (isMounted ? retry.mutate({ path: dir }, { onError }) : actions.mount(mount))}
    >
      Try again
    </Button>
  )
}
