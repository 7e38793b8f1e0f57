/** A dialog's frame, and the row of buttons at its foot. */
import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './dialog.module.css'

type DialogProps = {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  readonly size?: number
}

export function Dialog({ title, onClose, children, size = 460 }: DialogProps) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={size}
      styles={{ title: { fontWeight: 600, lineHeight: '20px', overflowWrap: 'anywhere' } }}
    >
      {children}
    </Modal>
  )
}

type ButtonsProps = { readonly hint?: string; readonly children: ReactNode }

export function DialogButtons({ hint, children }: ButtonsProps) {
  return (
    <div className={classes.buttons}>
      {hint !== undefined && <span className={classes.buttonsStart}>{hint}</span>}
      {children}
    </div>
  )
}
