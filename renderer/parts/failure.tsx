/** A failure as a person needs it: what to do, and the facts for whoever helps them. */
import { Alert, Code, type MantineSpacing } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { PailError } from '../../shared/errors.ts'
import classes from './failure.module.css'

type FailureProps = {
  readonly error: unknown
  readonly title?: string
  readonly children?: ReactNode
  readonly mt?: MantineSpacing
}

export function Failure({ error, title, children, mt }: FailureProps) {
  const { code, detail, remedy, where } = PailError.from(error)
  const facts = Object.entries(where).map(([name, value]) => `${name}: ${value}`)
  return (
    <Alert
      ref={bringIntoView}
      role="alert"
      color="red"
      variant="light"
      classNames={{ root: classes.root, message: classes.message }}
      icon={<IconAlertTriangle size={18} aria-hidden />}
      {...(title === undefined ? {} : { title })}
      {...(mt === undefined ? {} : { mt })}
    >
      <div>{remedy}</div>
      <details className={classes.details}>
        <summary>Details</summary>
        <Code block className="selectable">
          {[code, detail, ...facts].join('\n')}
        </Code>
      </details>
      {children}
    </Alert>
  )
}

/** In a low window it would appear below what is in sight, and nothing would seem to have happened. */
function bringIntoView(alert: HTMLDivElement | null): void {
  alert?.scrollIntoView({ block: 'nearest' })
}
