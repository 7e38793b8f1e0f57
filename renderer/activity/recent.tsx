/** The last events, of this computer and of others. */
import { SegmentedControl, TextInput } from '@mantine/core'
import { IconCloudDown, IconDeviceLaptop, IconHistory, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { formatBytes } from '../../shared/sentences.ts'
import type { RecentView } from '../../shared/sync-model.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { PathText } from '../parts/path-text.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useActivityList } from '../queries.ts'
import {
  filterRecent,
  RECENT_ORIGINS,
  type RecentFilter,
  type RecentOrigin,
} from '../view/recent.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import classes from './activity.module.css'
import { Loaded } from './panel.tsx'

const ROW_HEIGHT = 40

const ORIGIN_WORDS: Readonly<Record<RecentOrigin, string>> = {
  all: 'All',
  local: 'This computer',
  remote: 'Others',
}

export function RecentPanel() {
  const query = useActivityList('recent/list')
  const [filter, setFilter] = useState<RecentFilter>({ origin: 'all', search: '' })
  return (
    <Loaded query={query}>
      {({ entries }) =>
        entries.length === 0 ? (
          <EmptyState
            icon={<IconHistory size={44} stroke={1.3} aria-hidden />}
            title="Nothing has happened yet"
            text="Uploads, deletions and what others change in the bucket are listed here, the last 200 of them."
          />
        ) : (
          <>
            <Tools filter={filter} onChange={setFilter} />
            <Events entries={filterRecent(entries, filter)} />
          </>
        )
      }
    </Loaded>
  )
}

type ToolsProps = {
  readonly filter: RecentFilter
  readonly onChange: (filter: RecentFilter) => void
}

function Tools({ filter, onChange }: ToolsProps) {
  const choose = (value: string) => {
    onChange({ ...filter, origin: RECENT_ORIGINS.find((one) => one === value) ?? 'all' })
  }
  return (
    <div className={classes.tools}>
      <TextInput
        className={classes.search ?? ''}
        aria-label="Filter recent events"
        placeholder="Filter"
        leftSection={<IconSearch size={15} aria-hidden />}
        value={filter.search}
        onChange={({ currentTarget }) => onChange({ ...filter, search: currentTarget.value })}
      />
      <SegmentedControl
        aria-label="Whose events"
        data={RECENT_ORIGINS.map((value) => ({ value, label: ORIGIN_WORDS[value] }))}
        value={filter.origin}
        onChange={choose}
      />
    </div>
  )
}

function Events({ entries }: { readonly entries: readonly RecentView[] }) {
  if (entries.length === 0) return <p className={classes.none}>No event is like this.</p>
  return (
    <VirtualList
      label="Recent"
      entries={entries}
      rowHeight={ROW_HEIGHT}
      keyOf={({ id }) => id}
      nameOf={({ sentence }) => sentence}
      row={(event) => <EventRow event={event} />}
    />
  )
}

function EventRow({ event }: { readonly event: RecentView }) {
  const { origin, sentence, bucket, program, sizeBytes, atMs } = event
  const Origin = origin === 'local' ? IconDeviceLaptop : IconCloudDown
  const by = program === undefined ? bucket : `${bucket} · ${program}`
  return (
    <div className={classes.event}>
      <Origin size={17} stroke={1.6} aria-label={origin === 'local' ? 'Here' : 'Others'} />
      <PathText text={sentence} />
      <span className={`${classes.quiet} ellipsis`} title={by}>
        {by}
      </span>
      <span className={`${classes.size} numbers`}>{sizeBytes > 0 && formatBytes(sizeBytes)}</span>
      <span className={`${classes.when} numbers`} title={exactTime(atMs)}>
        {relativeTime(atMs, Date.now())}
      </span>
    </div>
  )
}
