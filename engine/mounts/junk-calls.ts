/** The calls of shared/junk.ts: the names that stay on this computer. */
import type { EngineHandlers } from '../../shared/engine-contract.ts'
import { JUNK_DEFAULTS, type JunkView, type junkCalls } from '../../shared/junk.ts'
import { shareUnmatched } from '../sync/junk-share.ts'
import type { Stores, Volume } from './volume.ts'

/** @param volumes those of the engine, whichever are open when a call comes */
export function junkHandlers(
  { junk, nodes }: Pick<Stores, 'junk' | 'nodes'>,
  volumes: ReadonlyMap<number, Pick<Volume, 'tree'>>,
): Pick<EngineHandlers, keyof typeof junkCalls> {
  const view = (): JunkView => ({
    patterns: [...junk.patterns],
    defaults: [...JUNK_DEFAULTS],
    localItems: nodes.countLocal(),
  })
  return {
    'junk/get': async () => view(),
    'junk/set': async ({ patterns }) => {
      await junk.replace(patterns)
      for (const { tree } of volumes.values()) await shareUnmatched(tree)
      return view()
    },
  }
}
