/** A form that sets one number, in a dialog. */
import { Button, NumberInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { Failure } from '../parts/failure.tsx'
import classes from './dialog.module.css'
import { DialogButtons } from './dialog.tsx'

type NumberFormProps = {
  readonly label: string
  readonly description: string
  readonly step: number
  /** 0: whole numbers. */
  readonly decimals: number
  readonly value: string | number
  readonly onChange: (value: string | number) => void
  /** What is wrong with the number as typed; it cannot be set then. */
  readonly fault: string | undefined
  readonly set: { readonly error: unknown; readonly isPending: boolean }
  readonly failureTitle: string
  readonly submitLabel: string
  readonly hint: string
  /** Between the number and the buttons. */
  readonly children?: ReactNode
  readonly onSubmit: () => void
  readonly onClose: () => void
}

export function NumberForm(props: NumberFormProps) {
  const { decimals, fault, set } = props
  return (
    <form
      className={classes.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (fault === undefined) props.onSubmit()
      }}
    >
      <NumberInput
        label={props.label}
        description={props.description}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        thousandSeparator=","
        allowNegative={false}
        {...(decimals === 0 ? { allowDecimal: false } : { decimalScale: decimals })}
        step={props.step}
        data-autofocus
        value={props.value}
        onChange={props.onChange}
        {...(fault === undefined ? {} : { error: fault })}
      />
      {set.error !== null && <Failure error={set.error} title={props.failureTitle} />}
      {props.children}
      <DialogButtons hint={props.hint}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={set.isPending} disabled={fault !== undefined}>
          {props.submitLabel}
        </Button>
      </DialogButtons>
    </form>
  )
}
