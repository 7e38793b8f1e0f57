/** What is kept on this computer, how much of it is here, and whether it would do for a flight. */
import { Button, Progress, UnstyledButton } from '@mantine/core'
import { IconPlane } from '@tabler/icons-react'
import type { PinCheckView, PinView } from '../../shared/keeping-contract.ts'
import { useMountActions } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import { Archived } from '../parts/archived.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Failure } from '../parts/failure.tsx'
import { Page } from '../parts/page.tsx'
import { PathText } from '../parts/path-text.tsx'
import { Room } from '../parts/room.tsx'
import { ToneIcon } from '../parts/tone.tsx'
import { useAction, usePins, useStatus } from '../queries.ts'
import { folderName } from '../view/mount-state.ts'
import { checkVerdict, pinAmount, pinTone, problemSentence } from '../view/pins.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import activity from './activity.module.css'
import classes from './offline.module.css'

export function OfflinePage() {
  const { data, error } = usePins()
  const check = useAction('pins/check')
  const pins = data?.pins ?? []
  return (
    <Page
      title="Offline"
      actions={
        <Button
          leftSection={<IconPlane size={17} aria-hidden />}
          disabled={pins.length === 0}
          loading={check.isPending}
          onClick={() => check.mutate({})}
        >
          Ready for a flight?
        </Button>
      }
    >
      {error !== null && <Failure error={error} title="What is kept cannot be shown" mt="md" />}
      {check.error !== null && (
        <Failure error={check.error} title="The check did not end" mt="md" />
      )}
      {check.data !== undefined && <CheckResult check={check.data} />}
      {data !== undefined && pins.length === 0 && <NothingKept />}
      {pins.length > 0 && (
        <section className={activity.section} aria-label="Kept offline">
          <h2 className={activity.heading}>Kept offline</h2>
          <ul className={activity.card}>
            {pins.map((pin) => (
              <PinRow key={pin.path} pin={pin} />
            ))}
          </ul>
        </section>
      )}
      <Room />
      <Archived />
      <Missed />
    </Page>
  )
}

function NothingKept() {
  const { goTo } = useNavigation()
  return (
    <EmptyState
      icon={<IconPlane size={44} stroke={1.3} aria-hidden />}
      title="Nothing is kept offline"
      text="Choose “Keep offline” in the menu of a folder: everything in it is fetched, refreshed when it changes, and stays on this computer."
    >
      <Button variant="default" onClick={() => goTo('folders')}>
        Go to folders
      </Button>
    </EmptyState>
  )
}

function PinRow({ pin }: { readonly pin: PinView }) {
  const { keepOffline } = useMountActions()
  const isExcluded = pin.mode === 'excluded'
  const problem = problemSentence(pin)
  return (
    <li className={classes.pin} aria-label={folderName(pin.path)}>
      <ToneIcon tone={isExcluded ? 'quiet' : pinTone(pin)} />
      <div className={activity.what}>
        <div className={`${activity.name} ellipsis`}>{folderName(pin.path)}</div>
        <PathText className={activity.quiet} text={pin.path} />
      </div>
      <div className={classes.progress} data-excluded={isExcluded}>
        {isExcluded ? (
          <span className={activity.quiet}>Left out of the folder above</span>
        ) : (
          <>
            <Progress
              value={pin.percent}
              size={6}
              {...(pin.percent === 100 ? { color: 'teal' } : {})}
              aria-label={`${folderName(pin.path)}: ${pin.percent} % here`}
            />
            <div className={`${activity.quiet} numbers`}>{pinAmount(pin)}</div>
          </>
        )}
      </div>
      <div className={`${classes.percent} numbers`}>{isExcluded ? '' : `${pin.percent} %`}</div>
      <UnstyledButton className={classes.remove} onClick={() => keepOffline(pin.path, false)}>
        Stop keeping
      </UnstyledButton>
      {problem !== undefined && <p className={classes.problem}>{problem}</p>}
    </li>
  )
}

function CheckResult({ check }: { readonly check: PinCheckView }) {
  const { tone, title, text } = checkVerdict(check)
  return (
    <section className={activity.section} role="status" aria-label="Result of the check">
      <div className={activity.card}>
        <div className={classes.check} data-tone={tone}>
          <ToneIcon tone={tone} />
          <div>
            <div className={activity.name}>{title}</div>
            <div className={`${activity.quiet} numbers`}>{text}</div>
          </div>
        </div>
        {check.missing.length > 0 && (
          <ul className={activity.files}>
            {check.missing.map(({ path, reason }) => (
              <li key={path} className={activity.file}>
                <PathText text={path} />
                <span className={activity.quiet}>{reason}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

/** Files that programs wanted while there was no network: the next ones to keep. */
function Missed() {
  const { status } = useStatus()
  const missed = (status.unavailable ?? []).filter(({ why }) => why === 'network')
  if (missed.length === 0) return null
  return (
    <section className={activity.section} aria-label="Wanted, and not here">
      <h2 className={activity.heading}>Wanted, and not here</h2>
      <ul className={`${activity.card} ${activity.files}`}>
        {missed.map(({ path, atMs }) => (
          <li key={path} className={classes.missed}>
            <PathText text={path} />
            <span className={`${activity.quiet} numbers`} title={exactTime(atMs)}>
              {relativeTime(atMs, Date.now())}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
