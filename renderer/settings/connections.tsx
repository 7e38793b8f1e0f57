/** The connections, each with what can be done with it. */
import { ActionIcon, Button, Tooltip } from '@mantine/core'
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react'
import type { ConnectionView } from '../../shared/model.ts'
import { useNavigation } from '../navigation.ts'
import classes from '../pages/settings.module.css'
import { UnprotectedMark } from '../parts/unprotected.tsx'
import { useConnections } from '../queries.ts'
import { Requests } from './requests.tsx'
import { Section } from './section.tsx'

export function Connections() {
  const { data: connections = [] } = useConnections()
  const { open } = useNavigation()
  const add = (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={15} />}
      onClick={() => open({ kind: 'add-connection' })}
    >
      Add connection
    </Button>
  )
  return (
    <Section title="Connections" action={add}>
      {connections.length === 0 && <p className={classes.none}>No connections yet.</p>}
      {connections.map((connection) => (
        <div key={connection.id} className={classes.connection} data-testid="connection">
          <ConnectionRow connection={connection} />
          <Requests connection={connection} />
        </div>
      ))}
    </Section>
  )
}

function ConnectionRow({ connection }: { readonly connection: ConnectionView }) {
  const { open, showBuckets } = useNavigation()
  const { id, name, endpointUrl, region, accessKeyId } = connection
  return (
    <div className={classes.row}>
      <div className={classes.what}>
        <div className={classes.nameLine}>
          <span className={`${classes.name} ellipsis`} title={name}>
            {name}
          </span>
          <UnprotectedMark endpointUrl={endpointUrl} />
        </div>
        <div className={`${classes.quiet} ellipsis selectable`} title={endpointUrl}>
          {endpointUrl} · {region}
        </div>
        <div className={`${classes.quiet} ${classes.key} selectable`}>
          <IconKey size={13} aria-hidden />
          <span className="ellipsis">{accessKeyId}</span>
        </div>
      </div>
      <div className={classes.rowEnd}>
        <Button variant="default" size="xs" onClick={() => showBuckets(id)}>
          Show buckets
        </Button>
        <Button variant="default" size="xs" onClick={() => open({ kind: 'renew-keys', id })}>
          Newer keys…
        </Button>
        <Tooltip label="Remove">
          <ActionIcon
            variant="subtle"
            color="gray"
            size={32}
            aria-label={`Remove ${name}`}
            onClick={() => open({ kind: 'remove-connection', id })}
          >
            <IconTrash size={17} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      </div>
    </div>
  )
}
