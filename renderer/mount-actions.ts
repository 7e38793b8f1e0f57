/** What can be done with a mount from anywhere in the window; failures become messages. */
import { notifications } from '@mantine/notifications'
import { PailError } from '../shared/errors.ts'
import type { FolderRole } from '../shared/folder-roles.ts'
import { formatCount } from '../shared/sentences.ts'
import type { MountRow } from '../shared/window-contract.ts'
import { useAction } from './queries.ts'
import { folderName } from './view/mount-state.ts'

export function showFailure(title: string, thrown: unknown): void {
  notifications.show({ color: 'red', title, message: PailError.from(thrown).remedy })
}

export function useMountActions() {
  const open = useAction('folders/open')
  const start = useAction('mounts/start')
  const pin = useAction('pins/set')
  const refresh = useAction('folders/refresh')
  const setRole = useAction('folders/set-role')
  const clearRole = useAction('folders/clear-role')
  return {
    /** Everything in the folder, also what comes later, is fetched and stays. */
    keepOffline: (path: string, isWanted: boolean) => {
      const onError = (thrown: unknown) => showFailure('This was not changed', thrown)
      const onSuccess = () =>
        notifications.show({
          message: isWanted
            ? `${folderName(path)} is kept offline: its files are fetched now`
            : `${folderName(path)} is not kept offline any more`,
        })
      pin.mutate({ path, mode: isWanted ? 'pinned' : 'none' }, { onError, onSuccess })
    },
    /** Lists the folder anew, now. */
    refresh: (dir: string) => {
      const name = folderName(dir)
      const onError = (thrown: unknown) => showFailure(`${name} was not refreshed`, thrown)
      const onSuccess = ({ changes }: { readonly changes: number }) =>
        notifications.show({
          message:
            changes === 0
              ? `${name} is as it was`
              : `${name} was refreshed: ${formatCount(changes, 'change')}`,
        })
      refresh.mutate({ dir }, { onError, onSuccess })
    },
    /** Without a role the folder is an ordinary one again. */
    setRole: (dir: string, role: FolderRole | undefined) => {
      const onError = (thrown: unknown) => showFailure('This was not changed', thrown)
      if (role === undefined) clearRole.mutate({ dir }, { onError })
      else setRole.mutate({ dir, role, options: {} }, { onError })
    },
    isMounting: start.isPending,
    openFolder: (dir: string) => {
      const onError = (thrown: unknown) => showFailure('The folder cannot be opened', thrown)
      open.mutate({ dir }, { onError })
    },
    /** Mounts a folder of the list again. Without its connection there are no keys for it. */
    mount: ({ connectionId, bucket, prefix, dir, readOnly }: MountRow) => {
      if (connectionId === undefined) return
      const input = { connectionId, bucket, subpath: prefix, dir, readOnly }
      const onError = (thrown: unknown) => showFailure(`${folderName(dir)} is not mounted`, thrown)
      start.mutate(input, { onError })
    },
    copyPath: (dir: string) => {
      navigator.clipboard.writeText(dir).then(
        () => notifications.show({ message: 'Local path copied' }),
        (thrown: unknown) => showFailure('The path was not copied', thrown),
      )
    },
  }
}

/** The two answers about files that were removed in great number. */
export function useDeletesAnswer({ dir }: Pick<MountRow, 'dir'>) {
  const answer = useAction('deletes/answer')
  const told = (words: string) => ({
    onError: (thrown: unknown) => showFailure('This was not changed', thrown),
    onSuccess: ({ count }: { readonly count: number }) =>
      notifications.show({ message: `${formatCount(count, 'file')} ${words}` }),
  })
  return {
    isAnswering: answer.isPending,
    error: answer.error,
    bringBack: () => answer.mutate({ dir, answer: 'undo' }, told(`back in ${folderName(dir)}`)),
    /** @param onDone when the engine has it */
    remove: (onDone: () => void) => {
      const { onSuccess } = told('will be deleted in the bucket')
      answer.mutate(
        { dir, answer: 'allow' },
        {
          onSuccess: (answered) => {
            onSuccess(answered)
            onDone()
          },
        },
      )
    },
  }
}
