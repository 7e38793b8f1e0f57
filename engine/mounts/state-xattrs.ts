/**
 * What Pail knows of a file, as the attributes `user.pail.*` that any program can read.
 *
 * Keeps: read alone, and left out of listings: `cp -a` copies what is listed.
 */
import type { PathState } from '../../shared/sync-model.ts'
import { BADGE_WORDS } from '../../shared/sync-states.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { VirtualXattrs } from '../vfs/mount-parts.ts'

/** How each attribute is read from a state; undefined: the file has no such attribute now. */
const ATTRIBUTES: Readonly<Record<string, (known: Known) => string | undefined>> = {
  'user.pail.state': stateText,
  'user.pail.badge': ({ state }) => state.badge,
  'user.pail.reason': reasonText,
  'user.pail.key': (known) => known.key,
  'user.pail.etag': (known) => (known.kind === 'file' ? known.etag : undefined),
  'user.pail.cached-percent': ({ state }) => String(state.content.percent),
  'user.pail.pin': ({ state }) => state.pin,
  'user.pail.conflict': (known) =>
    known.kind === 'file' && known.conflictId !== undefined ? String(known.conflictId) : undefined,
}

type Known = Exclude<PathState, { kind: 'unknown' }>

/** @param stateOf the state of a node, now */
export function stateXattrs(stateOf: (row: NodeRow) => PathState): VirtualXattrs {
  return {
    list: () => [],
    get: (row, name) => {
      const read = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined
      if (!read) return undefined
      const known = stateOf(row)
      return known.kind === 'unknown' ? undefined : read(known)
    },
  }
}

/** The badge's words; of what is on its way, how far it is. */
function stateText(known: Known): string {
  const words = BADGE_WORDS[known.state.badge]
  if (known.kind === 'folder') {
    const { sentence } = known.state
    return sentence === '' ? words : `${words}: ${sentence}`
  }
  const { change } = known.state
  return change.percent === undefined ? words : `${words}: ${change.percent} %`
}

function reasonText(known: Known): string | undefined {
  if (known.kind === 'file') return known.state.reason
  return known.state.sentence === '' ? undefined : known.state.sentence
}
