/** One part of the settings: a heading, an action beside it, and a card below. */
import type { ReactNode } from 'react'
import classes from '../pages/settings.module.css'

type SectionProps = {
  readonly title: string
  readonly action?: ReactNode
  readonly children: ReactNode
}

export function Section({ title, action, children }: SectionProps) {
  return (
    <section className={classes.section} aria-label={title}>
      <div className={classes.headingRow}>
        <h2 className={classes.heading}>{title}</h2>
        {action}
      </div>
      <div className={classes.card}>{children}</div>
    </section>
  )
}
