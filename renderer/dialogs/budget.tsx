/** How many LIST requests a month a connection may spend on looking by itself. */
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { ConnectionRequestsView } from '../../shared/keeping-contract.ts'
import type { ConnectionView } from '../../shared/model.ts'
import { formatCount } from '../../shared/sentences.ts'
import { Failure } from '../parts/failure.tsx'
import { useAction, usePaceFacts, useRequests } from '../queries.ts'
import { budgetFault, paceSentence } from '../view/requests.ts'
import classes from './dialog.module.css'
import { Dialog } from './dialog.tsx'
import { NumberForm } from './number-form.tsx'

type BudgetProps = { readonly connection: ConnectionView; readonly onClose: () => void }

export function BudgetDialog({ connection, onClose }: BudgetProps) {
  const { data, error } = useRequests(connection.id)
  const facts = usePaceFacts(connection.id)
  return (
    <Dialog title={`Requests of ${connection.name}`} onClose={onClose} size={500}>
      <div className={classes.form}>
        {error !== null && <Failure error={error} title="The requests could not be counted" />}
        {data !== undefined && (
          <>
            <Counts view={data} />
            <p className={`${classes.text} numbers`}>{paceSentence(data, facts)}</p>
            <BudgetForm view={data} connection={connection} onClose={onClose} />
          </>
        )}
      </div>
    </Dialog>
  )
}

const CLASSES = [
  { kind: 'list', word: 'List', hint: 'folders and buckets' },
  { kind: 'write', word: 'Write', hint: 'uploads, copies' },
  { kind: 'read', word: 'Read', hint: 'downloads, single files looked at' },
  { kind: 'delete', word: 'Delete', hint: 'free of charge with most providers' },
] as const

function Counts({ view: { day, month } }: { readonly view: ConnectionRequestsView }) {
  return (
    <table className={`${classes.counts} numbers`} aria-label="Requests, as providers count them">
      <thead>
        <tr>
          <td />
          <th scope="col">Today</th>
          <th scope="col">This month</th>
        </tr>
      </thead>
      <tbody>
        {CLASSES.map(({ kind, word, hint }) => (
          <tr key={kind}>
            <th scope="row">
              {word} <span className={classes.quiet}>{hint}</span>
            </th>
            <td>{day[kind].toLocaleString('en-US')}</td>
            <td>{month[kind].toLocaleString('en-US')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

type FormProps = BudgetProps & { readonly view: ConnectionRequestsView }

function BudgetForm({ view, connection, onClose }: FormProps) {
  const set = useAction('connections/set-budget')
  const [typed, setTyped] = useState<string | number>(view.listsPerMonth)
  const fault = budgetFault(typed)
  const submit = () => {
    const listsPerMonth = Number(typed)
    set.mutate(
      { id: connection.id, listsPerMonth },
      {
        onSuccess: () => {
          const requests = formatCount(listsPerMonth, 'list request')
          notifications.show({ message: `${connection.name} has ${requests} a month` })
          onClose()
        },
      },
    )
  }
  return (
    <NumberForm
      label="List requests a month"
      description="For looking by itself at what others store. It comes in evenly; what programs ask for is never refused, and counts as well. 2,000 is what free tiers include."
      step={1_000}
      decimals={0}
      value={typed}
      onChange={setTyped}
      fault={fault}
      set={set}
      failureTitle="The budget was not changed"
      submitLabel="Set the budget"
      hint={`${Math.max(0, view.listsLeft).toLocaleString('en-US')} saved up now.`}
      onSubmit={submit}
      onClose={onClose}
    />
  )
}
