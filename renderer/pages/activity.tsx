/** Everything between this computer and the buckets: what moves, what waits and why, what happened. */
import { Tabs } from '@mantine/core'
import { IconEngine } from '@tabler/icons-react'
import { useState } from 'react'
import classes from '../activity/activity.module.css'
import { AttentionPanel } from '../activity/attention.tsx'
import { ConflictsPanel } from '../activity/conflicts.tsx'
import { QueuePanel } from '../activity/queue.tsx'
import { RecentPanel } from '../activity/recent.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Page } from '../parts/page.tsx'
import { useStatus } from '../queries.ts'
import { type ActivityCounts, activityCounts } from '../view/attention.ts'

const TABS = ['queue', 'attention', 'conflicts', 'recent'] as const
type Tab = (typeof TABS)[number]

const WORDS: Readonly<Record<Tab, string>> = {
  queue: 'Queue',
  attention: 'Needs attention',
  conflicts: 'Conflicts',
  recent: 'Recent',
}

export function ActivityPage() {
  const { status } = useStatus()
  const counts = activityCounts(status)
  // What needs a person comes first; later changes do not move the page under the pointer.
  const [tab, setTab] = useState<Tab>(() => firstTab(counts))
  if (status.engine.state !== 'running') return <EngineAway reason={status.engine.reason} />
  const choose = (value: string | null) => setTab(TABS.find((one) => one === value) ?? 'queue')
  return (
    <Page title="Activity">
      <Tabs
        className={classes.tabs ?? ''}
        classNames={{ panel: classes.panel ?? '', tab: classes.tab ?? '' }}
        value={tab}
        onChange={choose}
        keepMounted={false}
      >
        <Tabs.List aria-label="Activity">
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {WORDS[one]}
              {one !== 'recent' && <Count count={counts[one]} isAttention={one !== 'queue'} />}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="queue">
          <QueuePanel />
        </Tabs.Panel>
        <Tabs.Panel value="attention">
          <AttentionPanel />
        </Tabs.Panel>
        <Tabs.Panel value="conflicts">
          <ConflictsPanel />
        </Tabs.Panel>
        <Tabs.Panel value="recent">
          <RecentPanel />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function firstTab({ attention, conflicts }: ActivityCounts): Tab {
  if (attention > 0) return 'attention'
  return conflicts > 0 ? 'conflicts' : 'queue'
}

type CountProps = { readonly count: number; readonly isAttention: boolean }

function Count({ count, isAttention }: CountProps) {
  return (
    <span
      className={`${classes.count} numbers`}
      data-tone={count > 0 && isAttention ? 'attention' : undefined}
      data-empty={count === 0}
    >
      {count > 999 ? '999+' : count}
    </span>
  )
}

function EngineAway({ reason }: { readonly reason: string | undefined }) {
  return (
    <Page title="Activity">
      <EmptyState
        icon={<IconEngine size={44} stroke={1.3} aria-hidden />}
        title="The engine starts"
        text={reason ?? 'What waits to be uploaded is shown as soon as it runs. Nothing is lost.'}
      />
    </Page>
  )
}
