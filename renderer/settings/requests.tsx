/** What one connection asked of its endpoint this month, and how often it looks by itself. */
import { Button, Progress, Skeleton } from '@mantine/core'
import type { ConnectionView } from '../../shared/model.ts'
import { useNavigation } from '../navigation.ts'
import settings from '../pages/settings.module.css'
import { Failure } from '../parts/failure.tsx'
import { usePaceFacts, useRequests } from '../queries.ts'
import { budgetPercent, budgetWords, paceSentence } from '../view/requests.ts'
import classes from './requests.module.css'

export function Requests({ connection }: { readonly connection: ConnectionView }) {
  const { open } = useNavigation()
  const { data, error } = useRequests(connection.id)
  const facts = usePaceFacts(connection.id)
  if (error !== null && data === undefined) {
    return <Failure error={error} title="The requests could not be counted" />
  }
  return (
    <div className={classes.requests}>
      <div className={settings.what}>
        {data === undefined ? (
          <Skeleton height={36} width="60%" />
        ) : (
          <>
            <div className={classes.used}>
              <Progress
                className={classes.bar ?? ''}
                value={budgetPercent(data)}
                size={6}
                aria-label={`Request budget of ${connection.name}`}
              />
              <span className={`${settings.quiet} numbers`}>{budgetWords(data)}</span>
            </div>
            <div className={`${settings.quiet} numbers`}>{paceSentence(data, facts)}</div>
          </>
        )}
      </div>
      <Button
        className={classes.change ?? ''}
        variant="default"
        size="xs"
        aria-label={`Request budget of ${connection.name}`}
        onClick={() => open({ kind: 'budget', id: connection.id })}
      >
        Budget…
      </Button>
    </div>
  )
}
