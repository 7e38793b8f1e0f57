/** Archived files: those that programs wanted, with the way back, and those on their way. */
import { UnstyledButton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { showFailure } from '../mount-actions.ts'
import activity from '../pages/activity.module.css'
import { useAction, useStatus } from '../queries.ts'
import { archivedRows } from '../view/archived.ts'
import { folderName } from '../view/mount-state.ts'
import classes from './archived.module.css'

export function Archived() {
  const { status } = useStatus()
  const rows = archivedRows(status)
  if (rows.length === 0) return null
  return (
    <section className={activity.section} aria-label="Archived">
      <h2 className={activity.heading}>Archived</h2>
      <ul className={`${activity.card} ${activity.files}`}>
        {rows.map(({ path, sentence, canRestore }) => (
          <li key={path} className={classes.row} aria-label={folderName(path)}>
            <div className={activity.what}>
              <div className={`${activity.name} ellipsis ellipsis-start selectable`} title={path}>
                {path}
              </div>
              <div className={activity.quiet}>{sentence}</div>
            </div>
            {canRestore && <RestoreButton path={path} />}
          </li>
        ))}
      </ul>
    </section>
  )
}

type RestoreProps = {
  readonly path: string
  /** For who does not see which row it stands in. */
  readonly label?: string
}

export function RestoreButton({ path, label }: RestoreProps) {
  const restore = useAction('archive/restore')
  const name = folderName(path)
  const onError = (thrown: unknown) => showFailure(`${name} is not restored`, thrown)
  const onSuccess = ({ wait }: { readonly wait: string }) =>
    notifications.show({ message: `${name} is being restored: ${wait}` })
  return (
    <UnstyledButton
      className={classes.restore}
      aria-label={label}
      disabled={restore.isPending}
      onClick={() => restore.mutate({ paths: [path] }, { onError, onSuccess })}
    >
      Restore
    </UnstyledButton>
  )
}
