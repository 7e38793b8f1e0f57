/** Files that wait for a person, grouped by what would help. Pure. */
import type { MountRow, WindowStatus } from '../../shared/window-contract.ts'

type MountError = MountRow['errors'][number]
export type AttentionFile = {
  readonly mountDir: string
  readonly path: string
  readonly atMs: number
}
export type AttentionGroup = {
  readonly code: MountError['code']
  readonly sentence: string
  readonly files: readonly AttentionFile[]
}

/** Groups in the order of their newest file. */
export function attentionGroups(status: WindowStatus): AttentionGroup[] {
  const groups = new Map<string, AttentionGroup & { files: AttentionFile[] }>()
  for (const { dir, errors } of status.mounts) {
    for (const { code, sentence, path, atMs } of errors) {
      const key = `${code} ${sentence}`
      const group = groups.get(key) ?? { code, sentence, files: [] }
      group.files.push({ mountDir: dir, path, atMs })
      groups.set(key, group)
    }
  }
  const newest = ({ files }: AttentionGroup) => Math.max(...files.map(({ atMs }) => atMs))
  return [...groups.values()].sort((a, b) => newest(b) - newest(a))
}
