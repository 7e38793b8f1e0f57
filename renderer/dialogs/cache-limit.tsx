/** How much room fetched files may take on this computer. */
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { CacheView } from '../../shared/cache-contract.ts'
import { formatBytes } from '../../shared/sentences.ts'
import { Failure } from '../parts/failure.tsx'
import { useAction, useRoom } from '../queries.ts'
import { diskSentence, GIGABYTE, limitBytesOf, limitFault } from '../view/room.ts'
import classes from './dialog.module.css'
import { Dialog } from './dialog.tsx'
import { NumberForm } from './number-form.tsx'

type LimitProps = { readonly onClose: () => void }

export function CacheLimitDialog({ onClose }: LimitProps) {
  const { data, error } = useRoom()
  return (
    <Dialog title="Room for fetched files" onClose={onClose} size={500}>
      {error !== null && <Failure error={error} title="What lies here could not be told" />}
      {data !== undefined && <LimitForm view={data} onClose={onClose} />}
    </Dialog>
  )
}

function LimitForm({ view, onClose }: LimitProps & { readonly view: CacheView }) {
  const set = useAction('cache/set')
  const [typed, setTyped] = useState<string | number>(view.limitBytes / GIGABYTE)
  const fault = limitFault(typed)
  const submit = () => {
    const limitBytes = limitBytesOf(typed)
    if (limitBytes === undefined) return
    const onSuccess = () => {
      notifications.show({ message: `Fetched files take at most ${formatBytes(limitBytes)}` })
      onClose()
    }
    set.mutate({ limitBytes }, { onSuccess })
  }
  return (
    <NumberForm
      label="Limit in GB"
      description="At the limit, what was not used for longest makes way. Files that are kept offline and files that are not in the bucket yet do not count, and are never let go."
      step={5}
      decimals={1}
      value={typed}
      onChange={setTyped}
      fault={fault}
      set={set}
      failureTitle="The limit was not changed"
      submitLabel="Set the limit"
      hint={`${formatBytes(view.cachedBytes)} fetched now.`}
      onSubmit={submit}
      onClose={onClose}
    >
      <p className={`${classes.programsNote} numbers`}>{diskSentence(view)}</p>
    </NumberForm>
  )
}
