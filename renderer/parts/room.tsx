/** The room that files take on this computer: a bar against the limit, and giving room back. */
import { Button, Progress, Skeleton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { CacheView } from '../../shared/cache-contract.ts'
import { formatBytes } from '../../shared/sentences.ts'
import { showFailure } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import activity from '../pages/activity.module.css'
import { useAction, useRoom } from '../queries.ts'
import { diskSentence, type RoomPart, roomParts } from '../view/room.ts'
import { Failure } from './failure.tsx'
import classes from './room.module.css'

export function Room() {
  const { data, error } = useRoom()
  return (
    <section className={activity.section} aria-label="On this computer">
      <div className={classes.head}>
        <h2 className={classes.heading}>On this computer</h2>
        {data !== undefined && <Buttons view={data} />}
      </div>
      <div className={`${activity.card} ${classes.body}`}>
        {error !== null && <Failure error={error} title="What lies here could not be told" />}
        {data === undefined && error === null && <Skeleton height={54} />}
        {data !== undefined && <Bar view={data} />}
      </div>
    </section>
  )
}

function Bar({ view }: { readonly view: CacheView }) {
  const parts = roomParts(view)
  return (
    <>
      <Progress.Root size={10} className={classes.bar ?? ''}>
        {parts.map(({ kind, label, words, percent }) => (
          <Progress.Section
            key={kind}
            value={percent}
            color={COLORS[kind]}
            aria-label={`${label}: ${words}`}
          />
        ))}
      </Progress.Root>
      <ul className={classes.legend}>
        {parts.map(({ kind, label, words }) => (
          <li key={kind} className={classes.part}>
            <span className={classes.dot} style={{ background: COLORS[kind] }} aria-hidden />
            {label} <span className={`${classes.amount} numbers`}>{words}</span>
          </li>
        ))}
      </ul>
      <p className={`${activity.quiet} ${classes.disk} numbers`}>{diskSentence(view)}</p>
    </>
  )
}

const COLORS: Readonly<Record<RoomPart['kind'], string>> = {
  pending: 'var(--tone-waiting)',
  pinned: 'var(--tone-good)',
  cached: 'var(--tone-busy)',
}

function Buttons({ view }: { readonly view: CacheView }) {
  const { open } = useNavigation()
  const free = useAction('cache/free')
  const onSuccess = (after: CacheView) => {
    const bytes = Math.max(0, view.cachedBytes - after.cachedBytes)
    notifications.show({ message: `${formatBytes(bytes)} given back` })
  }
  const onError = (thrown: unknown) => showFailure('No room was given back', thrown)
  return (
    <div className={classes.buttons}>
      <Button
        variant="default"
        size="xs"
        disabled={view.cachedBytes === 0}
        loading={free.isPending}
        onClick={() => free.mutate({}, { onSuccess, onError })}
      >
        Free up space
      </Button>
      <Button variant="default" size="xs" onClick={() => open({ kind: 'cache-limit' })}>
        Limit…
      </Button>
    </div>
  )
}
