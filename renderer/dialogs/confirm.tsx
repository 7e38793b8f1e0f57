/** A question with one serious answer. */
import { Button } from '@mantine/core'
import { Failure } from '../parts/failure.tsx'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

type ConfirmProps = {
  readonly title: string
  readonly text: string
  readonly action: string
  readonly isPending: boolean
  readonly error: Error | null
  readonly onConfirm: () => void
  readonly onClose: () => void
}

export function ConfirmDialog(props: ConfirmProps) {
  const { title, text, action, isPending, error, onConfirm, onClose } = props
  return (
    <Dialog title={title} onClose={onClose}>
      <div className={classes.form}>
        <p className={classes.text}>{text}</p>
        {error !== null && <Failure error={error} title="Nothing was removed" />}
        <DialogButtons>
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={isPending} onClick={onConfirm}>
            {action}
          </Button>
        </DialogButtons>
      </div>
    </Dialog>
  )
}
