/** The two things to do with a file in any list: try it again, and show it in its folder. */
import { ActionIcon, Tooltip } from '@mantine/core'
import { IconFolderSearch, IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { showFailure } from '../mount-actions.ts'
import { useAction, useStatus } from '../queries.ts'
import { localPathOf, nameOf } from '../view/queue.ts'
import classes from './activity.module.css'

type FileActionsProps = {
  readonly bucket: string
  readonly path: string
  /** What to try again; absent: there is nothing to try. */
  readonly retrySeq?: number | undefined
}

/** To show a file its folder is needed: without it that rests. */
export function FileActions({ bucket, path, retrySeq }: FileActionsProps) {
  const { status } = useStatus()
  const retry = useAction('uploads/retry')
  const reveal = useAction('folders/reveal')
  const local = localPathOf(status.mounts, { bucket, path })
  const name = nameOf(path)
  const failed = (title: string) => ({
    onError: (thrown: unknown) => showFailure(title, thrown),
  })
  return (
    <div className={classes.actions}>
      {retrySeq !== undefined && (
        <IconAction
          label={`Try ${name} again now`}
          word="Try again now"
          isDisabled={retry.isPending}
          onClick={() => retry.mutate({ seq: retrySeq }, failed(`${name} was not tried again`))}
        >
          <IconRefresh size={17} stroke={1.7} />
        </IconAction>
      )}
      <IconAction
        label={`Show ${name} in its folder`}
        word="Show in its folder"
        isDisabled={local === undefined}
        onClick={() => reveal.mutate({ path: local ?? '' }, failed('The folder cannot be opened'))}
      >
        <IconFolderSearch size={17} stroke={1.7} />
      </IconAction>
    </div>
  )
}

type IconActionProps = {
  readonly label: string
  readonly word: string
  readonly isDisabled: boolean
  readonly onClick: () => void
  readonly children: ReactNode
}

function IconAction({ label, word, isDisabled, onClick, children }: IconActionProps) {
  return (
    <Tooltip label={word}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={30}
        aria-label={label}
        disabled={isDisabled}
        onClick={onClick}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  )
}
