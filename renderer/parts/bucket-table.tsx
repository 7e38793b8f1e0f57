/** Buckets in columns, searched and sorted; thousands of them stay smooth. */
import { ActionIcon, Button, Skeleton, Tooltip, UnstyledButton } from '@mantine/core'
import {
  IconArrowDown,
  IconArrowUp,
  IconBucket,
  IconFileUnknown,
  IconFolder,
} from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useRef, useState } from 'react'
import { useNavigation } from '../navigation.ts'
import classes from '../pages/buckets.module.css'
import { arrange, type BucketRow, nextSort, type Sort, type SortKey } from '../view/bucket-rows.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import { PathText } from './path-text.tsx'

const ROW_HEIGHT = 52
const OVERSCAN_ROWS = 8

const COLUMNS: ReadonlyArray<{ by: SortKey; label: string }> = [
  { by: 'name', label: 'Name' },
  { by: 'location', label: 'Location' },
  { by: 'created', label: 'Created' },
]

type TableProps = {
  readonly rows: readonly BucketRow[]
  readonly search: string
  readonly isLoading: boolean
  readonly connectionId: string
}

export function BucketTable({ rows, search, isLoading, connectionId }: TableProps) {
  const [sort, setSort] = useState<Sort>({ by: 'name', isDescending: false })
  const scrollRef = useRef<HTMLDivElement>(null)
  const shown = arrange(rows, search, sort)
  return (
    <div className={classes.frame} ref={scrollRef}>
      <table className={classes.table} aria-label="Buckets" aria-rowcount={shown.length}>
        <thead>
          <tr>
            {COLUMNS.map(({ by, label }) => (
              <HeadCell key={by} by={by} label={label} sort={sort} onSort={setSort} />
            ))}
            <th scope="col">Mounted on</th>
            <th scope="col" aria-label="Actions" />
          </tr>
        </thead>
        <BucketRows rows={shown} connectionId={connectionId} scrollRef={scrollRef} />
      </table>
      {isLoading && <LoadingRows />}
      {!isLoading && shown.length === 0 && <NoRows isSearching={search.trim() !== ''} />}
    </div>
  )
}

type HeadProps = {
  readonly by: SortKey
  readonly label: string
  readonly sort: Sort
  readonly onSort: (sort: Sort) => void
}

function HeadCell({ by, label, sort, onSort }: HeadProps) {
  const isCurrent = sort.by === by
  const Arrow = isCurrent && sort.isDescending ? IconArrowDown : IconArrowUp
  const direction = sort.isDescending ? 'descending' : 'ascending'
  return (
    <th scope="col" aria-sort={isCurrent ? direction : 'none'}>
      <UnstyledButton className={classes.sort} onClick={() => onSort(nextSort(sort, by))}>
        {label}
        <Arrow size={14} aria-hidden className={isCurrent ? '' : classes.hiddenArrow} />
      </UnstyledButton>
    </th>
  )
}

type RowsProps = {
  readonly rows: readonly BucketRow[]
  readonly connectionId: string
  readonly scrollRef: RefObject<HTMLDivElement | null>
}

/** Rows out of sight are two spacers, so that ten thousand buckets cost no more than twenty. */
function BucketRows({ rows, connectionId, scrollRef }: RowsProps) {
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN_ROWS,
    initialRect: { width: 800, height: 600 },
  })
  const items = virtualizer.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <tbody>
      <Spacer height={above} />
      {items.map(({ index }) => {
        const row = rows[index]
        return row && <Row key={row.name} index={index} row={row} connectionId={connectionId} />
      })}
      <Spacer height={below} />
    </tbody>
  )
}

function Spacer({ height }: { readonly height: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden className={classes.spacer}>
      <td colSpan={COLUMNS.length + 2} style={{ height }} />
    </tr>
  )
}

type RowProps = {
  readonly row: BucketRow
  readonly index: number
  readonly connectionId: string
}

function Row({ row, index, connectionId }: RowProps) {
  const { open } = useNavigation()
  const mountedAt = row.mountedAt.join(', ')
  return (
    <tr aria-rowindex={index + 1}>
      <td>
        <div className={classes.nameCell}>
          <IconBucket size={18} stroke={1.6} aria-hidden />
          <span className="ellipsis selectable" title={row.name}>
            {row.name}
          </span>
        </div>
      </td>
      <td className={`${classes.quiet} ellipsis`}>{row.location ?? '–'}</td>
      <td className={`${classes.quiet} numbers ellipsis`}>
        <Created atMs={row.createdMs} />
      </td>
      <td>
        <div className={classes.mountedCell} title={mountedAt}>
          {mountedAt !== '' && <IconFolder size={16} stroke={1.6} aria-hidden />}
          <PathText text={mountedAt} />
        </div>
      </td>
      <td className={classes.actionCell}>
        <UnfinishedUploads row={row} />
        <Button
          variant="default"
          size="xs"
          aria-label={`Mount ${row.name}`}
          onClick={() => open({ kind: 'mount', connectionId, bucket: row.name })}
        >
          Mount…
        </Button>
      </td>
    </tr>
  )
}

/** What others left behind is asked for through a folder that is mounted. */
function UnfinishedUploads({ row: { name, widestDir } }: Pick<RowProps, 'row'>) {
  const { open } = useNavigation()
  if (widestDir === undefined) return null
  return (
    <Tooltip label="Unfinished uploads of others">
      <ActionIcon
        variant="subtle"
        color="gray"
        size={30}
        aria-label={`Unfinished uploads in ${name}`}
        onClick={() => open({ kind: 'foreign-uploads', dir: widestDir })}
      >
        <IconFileUnknown size={17} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  )
}

function Created({ atMs }: { readonly atMs: number | undefined }) {
  if (atMs === undefined) return '–'
  return <span title={exactTime(atMs)}>{relativeTime(atMs, Date.now())}</span>
}

function LoadingRows() {
  return (
    <div className={classes.loading} role="status" aria-busy="true" aria-label="Loading buckets">
      <Skeleton height={20} />
      <Skeleton height={20} />
      <Skeleton height={20} />
    </div>
  )
}

function NoRows({ isSearching }: { readonly isSearching: boolean }) {
  const sentence = isSearching ? 'No bucket has this in its name.' : 'There are no buckets here.'
  return <p className={classes.none}>{sentence}</p>
}
