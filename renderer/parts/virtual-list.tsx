/** A scrolling list of equal rows; those out of sight cost nothing. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'
import classes from './virtual-list.module.css'

const OVERSCAN_ROWS = 8

type VirtualListProps<Entry> = {
  readonly label: string
  readonly entries: readonly Entry[]
  readonly rowHeight: number
  readonly keyOf: (entry: Entry) => string | number
  readonly nameOf: (entry: Entry) => string
  readonly row: (entry: Entry) => ReactNode
  /** Cards stand apart, rows share one frame. */
  readonly isCards?: boolean
}

export function VirtualList<Entry>(props: VirtualListProps<Entry>) {
  const { label, entries, rowHeight, keyOf, nameOf, row, isCards = false } = props
  const scrollRef = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN_ROWS,
    initialRect: { width: 800, height: 600 },
  })
  const items = virtualizer.getVirtualItems()
  const paddingTop = items[0]?.start ?? 0
  const paddingBottom = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <div className={classes.frame} data-cards={isCards} ref={scrollRef}>
      <ul className={classes.list} aria-label={label} style={{ paddingTop, paddingBottom }}>
        {items.map(({ index }) => {
          const entry = entries[index]
          return (
            entry !== undefined && (
              <li
                key={keyOf(entry)}
                className={classes.item}
                style={{ height: rowHeight }}
                aria-label={nameOf(entry)}
                aria-setsize={entries.length}
                aria-posinset={index + 1}
              >
                {row(entry)}
              </li>
            )
          )
        })}
      </ul>
    </div>
  )
}
