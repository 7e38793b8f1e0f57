/** A list of the activity while it is asked for, when it failed, and when there is nothing in it. */
import { Skeleton } from '@mantine/core'
import type { ReactNode } from 'react'
import { Failure } from '../parts/failure.tsx'
import classes from './activity.module.css'

type ListQuery<Data> = { readonly data: Data | undefined; readonly error: Error | null }

type LoadedProps<Data> = {
  readonly query: ListQuery<Data>
  readonly children: (data: Data) => ReactNode
}

/** What was shown stays while the next answer fails; the failure is told above it. */
export function Loaded<Data>({ query, children }: LoadedProps<Data>) {
  const { data, error } = query
  return (
    <>
      {error !== null && <Failure error={error} title="This list could not be read" />}
      {data === undefined && error === null && <LoadingRows />}
      {data !== undefined && children(data)}
    </>
  )
}

function LoadingRows() {
  return (
    <div className={classes.loading} role="status" aria-busy="true" aria-label="Loading">
      <Skeleton height={56} radius="md" />
      <Skeleton height={56} radius="md" />
      <Skeleton height={56} radius="md" />
    </div>
  )
}

/** What a list leaves out. */
export function More({ total, shown }: { readonly total: number; readonly shown: number }) {
  if (total <= shown) return null
  return (
    <p className={`${classes.more} numbers`}>and {(total - shown).toLocaleString('en-US')} more</p>
  )
}
