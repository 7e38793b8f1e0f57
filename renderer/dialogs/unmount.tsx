/**
 * Unmounts a folder: says what is not yet uploaded, and which programs are in the way.
 *
 * Keeps: never forced silently; detaching a folder in use is a second, named step.
 */
import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useEffect, useState } from 'react'
import { PailError } from '../../shared/errors.ts'
import { pendingSentence } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { Failure } from '../parts/failure.tsx'
import { PathText } from '../parts/path-text.tsx'
import { useAction, useHolders } from '../queries.ts'
import { folderName } from '../view/mount-state.ts'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

type UnmountProps = { readonly mount: MountRow; readonly onClose: () => void }

export function UnmountDialog({ mount, onClose }: UnmountProps) {
  const stop = useAction('mounts/stop')
  const [isWaiting, setWaiting] = useState(false)
  const { dir, pendingFiles } = mount
  const name = folderName(dir)
  const { mutate } = stop
  const unmount = (force: boolean) => {
    mutate(
      { dir, force },
      {
        onSuccess: () => {
          notifications.show({ message: `${name} is unmounted` })
          onClose()
        },
      },
    )
  }
  const isReady = isWaiting && pendingFiles === 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once, when the wait is over.
  useEffect(() => {
    if (isReady) unmount(false)
  }, [isReady])
  const isBusy = stop.error !== null && PailError.from(stop.error).code === 'mount/busy'
  return (
    <Dialog title={`Unmount ${name}?`} onClose={onClose}>
      <div className={classes.form}>
        <p className={`${classes.text} numbers`}>
          {pendingFiles === 0
            ? 'The folder disappears from this computer. Everything you saved is in the bucket.'
            : `${pendingSentence(mount)}. All of it is safe on this computer and goes on after the folder is unmounted.`}
        </p>
        <Programs dir={dir} />
        {stop.error !== null && (
          <Failure
            error={stop.error}
            title={isBusy ? 'Programs still use the folder' : 'The folder is still mounted'}
          />
        )}
        <DialogButtons {...(isWaiting ? { hint: 'Unmounts when all is uploaded.' } : {})}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {pendingFiles > 0 && (
            <Button variant="default" loading={isWaiting} onClick={() => setWaiting(true)}>
              Wait
            </Button>
          )}
          {isBusy && (
            <Button color="red" variant="outline" onClick={() => unmount(true)}>
              Detach anyway
            </Button>
          )}
          <Button loading={stop.isPending} onClick={() => unmount(false)}>
            {pendingFiles > 0 ? 'Unmount and upload later' : isBusy ? 'Try again' : 'Unmount'}
          </Button>
        </DialogButtons>
      </div>
    </Dialog>
  )
}

/** Which programs are in the way. One line is kept for the answer, so that nothing moves. */
function Programs({ dir }: { readonly dir: string }) {
  const { data, error } = useHolders(dir)
  if (error !== null) return null
  if (data === undefined) return <p className={classes.programsNote}>Looking who uses it…</p>
  if (data.holders.length === 0) {
    return (
      <p className={classes.programsNote}>
        {data.isComplete ? 'No program uses it.' : 'No program of yours was seen to use it.'}
      </p>
    )
  }
  return (
    <section aria-label="Programs that use the folder">
      <p className={classes.programsNote}>Close these programs first:</p>
      <ul className={classes.programs}>
        {data.holders.map(({ pid, program, paths }) => (
          <li key={pid} className={classes.program}>
            <span className={classes.programName}>{program || 'A program'}</span>
            <PathText text={placeIn(dir, paths[0] ?? dir)} title={paths.join('\n')} />
            <span className={`${classes.quiet} numbers`}>{pid}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What a program uses, as it is called within the folder. */
function placeIn(dir: string, path: string): string {
  return path === dir ? 'works in this folder' : path.slice(dir.length + 1)
}
