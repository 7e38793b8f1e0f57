/** Two versions of one file, side by side, and what to do with them. */
import { Button, Tooltip } from '@mantine/core'
import { IconFiles } from '@tabler/icons-react'
import { formatBytes } from '../../shared/sentences.ts'
import type { ConflictView } from '../../shared/sync-model.ts'
import { showFailure } from '../mount-actions.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { PathText } from '../parts/path-text.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useAction, useActivityList } from '../queries.ts'
import { nameOf } from '../view/queue.ts'
import { exactTime, relativeTime } from '../view/time.ts'
import classes from './activity.module.css'
import { FileActions } from './file-actions.tsx'
import { Loaded, More } from './panel.tsx'

const CARD_HEIGHT = 252

export function ConflictsPanel() {
  const query = useActivityList('conflicts/list')
  return (
    <Loaded query={query}>
      {({ total, entries }) =>
        entries.length === 0 ? (
          <EmptyState
            icon={<IconFiles size={44} stroke={1.3} aria-hidden />}
            title="No conflicts"
            text="When a file is changed here and in the bucket at the same time, both versions are kept and shown here side by side."
          />
        ) : (
          <>
            <VirtualList
              label="Conflicts"
              isCards
              entries={entries}
              rowHeight={CARD_HEIGHT}
              keyOf={({ id }) => id}
              nameOf={({ theirs }) => nameOf(theirs.path)}
              row={(conflict) => <ConflictCard conflict={conflict} />}
            />
            <More total={total} shown={entries.length} />
          </>
        )
      }
    </Loaded>
  )
}

function ConflictCard({ conflict }: { readonly conflict: ConflictView }) {
  const { bucket, theirs, atMs } = conflict
  return (
    <div className={classes.conflict}>
      <div className={classes.conflictHead}>
        <div className={classes.what}>
          <div className={`${classes.name} ellipsis selectable`} title={`${bucket}/${theirs.path}`}>
            {nameOf(theirs.path)}
          </div>
          <div className={`${classes.quiet} ellipsis`} title={exactTime(atMs)}>
            {bucket}/{theirs.path} · changed on both sides, seen {relativeTime(atMs, Date.now())}
          </div>
        </div>
        <FileActions bucket={bucket} path={theirs.path} />
      </div>
      <Sides conflict={conflict} />
      <Answers conflict={conflict} />
    </div>
  )
}

type Side = ConflictView['theirs']

/** What differs between the two, a line each. */
const FACTS: ReadonlyArray<{
  readonly word: string
  readonly of: (side: Side) => string
  readonly hint: (side: Side) => string
}> = [
  { word: 'Name', of: ({ path }) => nameOf(path), hint: ({ path }) => path },
  {
    word: 'Size',
    of: ({ sizeBytes }) => formatBytes(sizeBytes),
    hint: ({ sizeBytes }) => `${sizeBytes.toLocaleString('en-US')} bytes`,
  },
  {
    word: 'Changed',
    of: ({ modifiedMs }) => relativeTime(modifiedMs, Date.now()),
    hint: ({ modifiedMs }) => exactTime(modifiedMs),
  },
  {
    word: 'ETag',
    of: ({ etag }) => etag?.replaceAll('"', '') ?? 'none yet',
    hint: ({ etag }) => etag ?? '',
  },
]

function Sides({ conflict: { theirs, ours } }: { readonly conflict: ConflictView }) {
  const stored = ours.isUploaded ? 'in the bucket as well' : 'not yet in the bucket'
  return (
    <table className={`${classes.sides} numbers`}>
      <thead>
        <tr>
          <td />
          <th scope="col">Theirs, in the bucket</th>
          <th scope="col" className="ellipsis" title={`Saved on ${ours.host}, ${stored}`}>
            Mine, from {ours.host}, {stored}
          </th>
        </tr>
      </thead>
      <tbody>
        {FACTS.map(({ word, of, hint }) => (
          <tr key={word}>
            <th scope="row">{word}</th>
            {[theirs, ours].map((side) => (
              <td key={side.path}>
                <PathText text={of(side)} title={hint(side)} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const ANSWERS = [
  { keep: 'theirs', word: 'Keep theirs', effect: 'Your version is removed.' },
  { keep: 'mine', word: 'Keep mine', effect: 'Your version replaces theirs in the bucket.' },
  { keep: 'both', word: 'Keep both', effect: 'Both files stay, under their two names.' },
] as const

function Answers({ conflict: { id, theirs } }: { readonly conflict: ConflictView }) {
  const resolve = useAction('conflicts/resolve')
  const say = (keep: (typeof ANSWERS)[number]['keep']) => {
    // What is answered is what was shown: a version that came meanwhile is refused.
    const shown = theirs.etag === undefined ? {} : { theirsEtag: theirs.etag }
    const onError = (thrown: unknown) => showFailure('The conflict is not resolved', thrown)
    resolve.mutate({ id, keep, ...shown }, { onError })
  }
  return (
    <div className={classes.answers}>
      {ANSWERS.map(({ keep, word, effect }) => (
        <Tooltip key={keep} label={effect}>
          <Button
            variant="default"
            size="xs"
            disabled={resolve.isPending}
            aria-description={effect}
            onClick={() => say(keep)}
          >
            {word}
          </Button>
        </Tooltip>
      ))}
    </div>
  )
}
