/** What is told about a folder once, until a person answers or dismisses it. */
import { UnstyledButton } from '@mantine/core'
import type { MountRow } from '../../shared/window-contract.ts'
import { showFailure, useMountActions } from '../mount-actions.ts'
import classes from '../pages/folders.module.css'
import { useAction } from '../queries.ts'

export function FolderHints({ mount }: { readonly mount: MountRow }) {
  const { keepOffline } = useMountActions()
  const dismiss = useAction('hints/dismiss')
  const onError = (thrown: unknown) => showFailure('This was not changed', thrown)
  return (mount.hints ?? []).map(({ hint, path, sentence }) => (
    <p key={hint} className={classes.reason} role="note">
      {sentence}{' '}
      <UnstyledButton className={classes.noteLink} onClick={() => keepOffline(path, true)}>
        Keep offline
      </UnstyledButton>{' '}
      <UnstyledButton
        className={classes.noteLink}
        onClick={() => dismiss.mutate({ dir: mount.dir, hint }, { onError })}
      >
        Dismiss
      </UnstyledButton>
    </p>
  ))
}
