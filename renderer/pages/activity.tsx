/** What is not yet in the bucket, and why. */
import { IconCircleCheck } from '@tabler/icons-react'
import { formatBytes, formatCount } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { Page } from '../parts/page.tsx'
import { ToneIcon } from '../parts/tone.tsx'
import { useStatus } from '../queries.ts'
import { type AttentionGroup, attentionGroups } from '../view/attention.ts'
import { folderName, remotePath, stateWord } from '../view/mount-state.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import classes from './activity.module.css'

export function ActivityPage() {
  const { status } = useStatus()
  const groups = attentionGroups(status)
  const pending = status.mounts.filter(({ pendingFiles }) => pendingFiles > 0)
  return (
    <Page title="Activity">
      {groups.length === 0 && pending.length === 0 && (
        <EmptyState
          icon={<IconCircleCheck size={44} stroke={1.3} color="var(--tone-good)" aria-hidden />}
          title="Nothing is waiting"
          text="Files that you save into a folder show here until they are in the bucket."
        />
      )}
      {groups.length > 0 && (
        <section className={classes.section} aria-label="Needs attention">
          <h2 className={classes.heading}>Needs attention</h2>
          {groups.map((group) => (
            <AttentionCard key={`${group.code} ${group.sentence}`} group={group} />
          ))}
        </section>
      )}
      {pending.length > 0 && (
        <section className={classes.section} aria-label="Waiting to upload">
          <h2 className={classes.heading}>Waiting to upload</h2>
          <ul className={classes.card}>
            {pending.map((mount) => (
              <PendingRow key={mount.dir} mount={mount} />
            ))}
          </ul>
        </section>
      )}
    </Page>
  )
}

function PendingRow({ mount }: { readonly mount: MountRow }) {
  const isUploading = mount.state === 'mounted'
  return (
    <li className={classes.row}>
      <ToneIcon tone={isUploading ? 'busy' : 'quiet'} />
      <div className={classes.what}>
        <div className={`${classes.name} ellipsis`}>{folderName(mount.dir)}</div>
        <div className={`${classes.quiet} ellipsis`}>
          {mount.reason ?? (isUploading ? `To ${remotePath(mount)}` : stateWord(mount.state))}
        </div>
      </div>
      <div className={`${classes.amount} numbers`}>{formatCount(mount.pendingFiles, 'file')}</div>
      <div className={`${classes.amount} numbers`}>{formatBytes(mount.pendingBytes)}</div>
    </li>
  )
}

function AttentionCard({ group }: { readonly group: AttentionGroup }) {
  return (
    <div className={classes.card}>
      <div className={classes.cause}>
        <ToneIcon tone="attention" />
        <div>
          <div className={classes.name}>{group.sentence}</div>
          <div className={`${classes.quiet} numbers`}>
            {formatCount(group.files.length, 'file')} · {group.code}
          </div>
        </div>
      </div>
      <ul className={classes.files}>
        {group.files.map(({ mountDir, path, atMs }) => (
          <li key={`${mountDir} ${path} ${atMs}`} className={classes.file}>
            <span className="ellipsis ellipsis-start selectable" title={`${mountDir}/${path}`}>
              {path}
            </span>
            <span className={`${classes.quiet} numbers`} title={exactTime(atMs)}>
              {relativeTime(atMs, Date.now())}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
