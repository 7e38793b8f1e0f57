/** Turns a bucket, or a part of it, into a folder. */
import { Button, Switch, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type MountTarget, useNavigation } from '../navigation.ts'
import { Failure } from '../parts/failure.tsx'
import { useAction, useClient } from '../queries.ts'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

type MountDialogProps = { readonly target: MountTarget; readonly onClose: () => void }

export function MountDialog({ target, onClose }: MountDialogProps) {
  const { goTo } = useNavigation()
  const start = useAction('mounts/start')
  const [subpath, setSubpath] = useState('')
  const [readOnly, setReadOnly] = useState(false)
  const folder = useFolder(target.bucket)
  const submit = () => {
    if (folder.dir === undefined) return
    const { connectionId, bucket } = target
    const input = { connectionId, bucket, subpath: subpath.trim(), dir: folder.dir, readOnly }
    start.mutate(input, {
      onSuccess: () => {
        onClose()
        goTo('folders')
      },
    })
  }
  return (
    <Dialog title={`Mount ${target.bucket}`} onClose={onClose} size={500}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <TextInput
          label="Part of the bucket"
          description="A path such as results/2026. Leave empty for the whole bucket."
          placeholder="Whole bucket"
          spellCheck={false}
          data-autofocus
          value={subpath}
          onChange={(event) => setSubpath(event.currentTarget.value)}
        />
        <div className={classes.folderField}>
          <TextInput label="Local folder" readOnly value={folder.dir ?? ''} title={folder.dir} />
          <Button variant="default" size="sm" h={36} onClick={folder.choose}>
            Choose…
          </Button>
        </div>
        <Switch
          label="Read-only"
          description="Nothing on this computer can change the bucket."
          checked={readOnly}
          onChange={(event) => setReadOnly(event.currentTarget.checked)}
        />
        {start.error !== null && <Failure error={start.error} title="The bucket is not mounted" />}
        <DialogButtons>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={start.isPending} disabled={folder.dir === undefined}>
            Mount
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  )
}

/** The suggested folder until the person chooses another in the system's dialog. */
function useFolder(bucket: string) {
  const client = useClient()
  const choose = useAction('folders/choose')
  const [chosen, setChosen] = useState<string>()
  const { data } = useQuery({
    queryKey: ['suggested-folder', bucket],
    queryFn: () => client.call('folders/suggest', { bucket }),
    gcTime: 0,
  })
  return {
    dir: chosen ?? data?.dir,
    choose: () => {
      choose.mutate({}, { onSuccess: ({ dir }) => dir !== null && setChosen(dir) })
    },
  }
}
