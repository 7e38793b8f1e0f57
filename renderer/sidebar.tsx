/** Where one can go, and at its foot the one sentence that matters. */
import { Switch, UnstyledButton } from '@mantine/core'
import { spotlight } from '@mantine/spotlight'
import {
  IconActivity,
  IconBucket,
  IconFolders,
  IconPlane,
  IconSearch,
  IconSettings,
  type TablerIcon,
} from '@tabler/icons-react'
import { useState } from 'react'
import type { ShownPage } from './client.ts'
import { showFailure } from './mount-actions.ts'
import { useNavigation } from './navigation.ts'
import { Logo } from './parts/logo.tsx'
import { ToneIcon } from './parts/tone.tsx'
import { useAction, useStatus } from './queries.ts'
import classes from './shell.module.css'
import { activityCounts } from './view/attention.ts'
import { verdict } from './view/verdict.ts'

const ENTRIES: ReadonlyArray<{ page: ShownPage; label: string; icon: TablerIcon }> = [
  { page: 'folders', label: 'Folders', icon: IconFolders },
  { page: 'buckets', label: 'Buckets', icon: IconBucket },
  { page: 'activity', label: 'Activity', icon: IconActivity },
  { page: 'offline', label: 'Offline', icon: IconPlane },
  { page: 'settings', label: 'Settings', icon: IconSettings },
]

export function Sidebar() {
  const { status } = useStatus()
  const { queue, attention, conflicts } = activityCounts(status)
  const needing = attention + conflicts
  return (
    <nav className={classes.sidebar} aria-label="Main">
      <div className={classes.brand}>
        <Logo size={28} />
        Pail
      </div>
      <UnstyledButton className={classes.search} onClick={spotlight.open}>
        <IconSearch size={15} aria-hidden />
        Find an action
        <kbd>{isMac() ? '⌘K' : 'Ctrl K'}</kbd>
      </UnstyledButton>
      <ul className={classes.nav}>
        {ENTRIES.map((entry) => (
          <li key={entry.page}>
            <NavItem
              {...entry}
              count={entry.page === 'activity' ? needing || queue : 0}
              isAttention={needing > 0}
            />
          </li>
        ))}
      </ul>
      <div className={classes.spacer} />
      <VerdictLine />
      <EngineSwitches />
    </nav>
  )
}

type NavItemProps = {
  readonly page: ShownPage
  readonly label: string
  readonly icon: TablerIcon
  readonly count: number
  readonly isAttention: boolean
}

function NavItem({ page, label, icon: Icon, count, isAttention }: NavItemProps) {
  const navigation = useNavigation()
  const isCurrent = navigation.page === page
  return (
    <UnstyledButton
      className={classes.navItem}
      onClick={() => navigation.goTo(page)}
      aria-current={isCurrent ? 'page' : undefined}
    >
      <Icon size={19} stroke={1.7} aria-hidden />
      {label}
      {count > 0 && (
        <span
          className={`${classes.count} numbers`}
          data-tone={isAttention ? 'attention' : undefined}
        >
          {count > 999 ? '999+' : count}
        </span>
      )}
    </UnstyledButton>
  )
}

function VerdictLine() {
  const { status } = useStatus()
  const { tone, sentence, note } = verdict(status)
  return (
    <div className={`${classes.verdict} numbers`} role="status" data-testid="verdict">
      <ToneIcon tone={tone} />
      <div>
        <div>{sentence}</div>
        {note !== undefined && <div className={classes.verdictNote}>{note}</div>}
      </div>
    </div>
  )
}

/** Two things that a person may want: nothing goes up, or no requests at all. */
function EngineSwitches() {
  const { status } = useStatus()
  const pause = useAction('uploads/pause')
  const resume = useAction('uploads/resume')
  const workOffline = useAction('network/work-offline')
  return (
    <div className={classes.switches}>
      <EngineSwitch
        label="Pause uploads"
        isOn={status.sync?.isPaused === true}
        change={(isWanted) => (isWanted ? pause : resume).mutateAsync({})}
      />
      <EngineSwitch
        label="Work offline"
        isOn={status.isWorkingOffline === true}
        change={(isWanted) => workOffline.mutateAsync({ isWanted })}
      />
    </div>
  )
}

type EngineSwitchProps = {
  readonly label: string
  readonly isOn: boolean
  readonly change: (isWanted: boolean) => Promise<unknown>
}

function EngineSwitch({ label, isOn, change }: EngineSwitchProps) {
  const { status, isLoaded } = useStatus()
  // What was clicked shows at once, and until the engine has it.
  const [clicked, setClicked] = useState<boolean>()
  const onChange = (isWanted: boolean) => {
    setClicked(isWanted)
    change(isWanted)
      .catch((thrown: unknown) => showFailure(`“${label}” was not changed`, thrown))
      .finally(() => setClicked(undefined))
  }
  return (
    <Switch
      size="sm"
      label={label}
      checked={clicked ?? isOn}
      disabled={!isLoaded || status.engine.state !== 'running'}
      onChange={({ currentTarget }) => onChange(currentTarget.checked)}
    />
  )
}

function isMac(): boolean {
  return navigator.userAgent.includes('Mac OS')
}
