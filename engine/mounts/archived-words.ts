/**
 * What a person is told of a file that is in an archive.
 */
import { archiveProviderOf, restoreWaitWords } from '../../shared/archive.ts'
import type { UnavailableView } from '../../shared/keeping-contract.ts'
import type { NodeRow } from '../store/nodes.ts'
import { archivedSentence } from '../sync/restore-plan.ts'
import type { Volume } from './volume.ts'

/** Why a program could not have a file. */
export type Missed = Pick<UnavailableView, 'why' | 'sentence'>

/** @returns undefined for a file that is in no archive */
export function archivedWords(
  volume: Pick<Volume, 'restores' | 'endpointUrl'>,
  row: NodeRow,
):
  | { readonly state: 'archived' | 'restoring' | 'readable'; readonly sentence: string }
  | undefined {
  const archived = volume.restores.stateOf(row)
  if (!archived) return undefined
  const tier = archived.state === 'restoring' ? archived.tier : undefined
  const provider = archiveProviderOf(volume.endpointUrl)
  const wait = restoreWaitWords({ provider, storageClass: row.storageClass, tier })
  return { state: archived.state, sentence: archivedSentence(archived, wait) }
}
