/** A page: its title, its main actions, and what scrolls below them. */
import type { ReactNode } from 'react'
import classes from '../shell.module.css'

type PageProps = {
  readonly title: string
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export function Page({ title, actions, children }: PageProps) {
  return (
    <main className={classes.page} aria-label={title}>
      <header className={classes.header}>
        <h1>{title}</h1>
        <div className={classes.headerEnd}>{actions}</div>
      </header>
      <div className={classes.body}>{children}</div>
    </main>
  )
}
