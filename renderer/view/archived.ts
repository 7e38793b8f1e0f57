/** Which archived files the window shows. Pure. */
import type { WindowStatus } from '../../shared/window-contract.ts'

export type ArchivedRow = {
  readonly path: string
  readonly sentence: string
  readonly canRestore: boolean
}

/** What is said of a restore that was asked for; undefined: none was, or it was refused. */
export function restoreUnderWay(
  { restores = [] }: Pick<WindowStatus, 'restores'>,
  path: string,
): string | undefined {
  return restores.find((one) => one.path === path && one.state !== 'refused')?.sentence
}

/** What was asked for first; then what programs wanted, each file once. */
export function archivedRows({
  restores = [],
  unavailable = [],
}: Pick<WindowStatus, 'restores' | 'unavailable'>): ArchivedRow[] {
  const asked = restores.map(({ path, sentence, state }) => ({
    path,
    sentence,
    canRestore: state === 'refused',
  }))
  const known = new Set(asked.map(({ path }) => path))
  const wanted = unavailable
    .filter(({ path, why }) => why === 'archived' && !known.has(path))
    .map(({ path, sentence = '' }) => ({ path, sentence, canRestore: true }))
  return [...asked, ...wanted]
}
