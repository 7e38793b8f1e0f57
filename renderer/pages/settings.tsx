/** Appearance, connections, and what this program is. */
import { ActionIcon, Button, SegmentedControl, Tooltip, useMantineColorScheme } from '@mantine/core'
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { ConnectionView } from '../../shared/model.ts'
import { useNavigation } from '../navigation.ts'
import { Page } from '../parts/page.tsx'
import { useAppInfo, useConnections, useStatus } from '../queries.ts'
import classes from './settings.module.css'

export function SettingsPage() {
  return (
    <Page title="Settings">
      <Appearance />
      <Connections />
      <About />
    </Page>
  )
}

type SectionProps = {
  readonly title: string
  readonly action?: ReactNode
  readonly children: ReactNode
}

function Section({ title, action, children }: SectionProps) {
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

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Section title="Appearance">
      <div className={classes.row}>
        <span>Theme</span>
        <SegmentedControl
          aria-label="Theme"
          value={colorScheme}
          onChange={(value) => {
            if (value === 'auto' || value === 'light' || value === 'dark') setColorScheme(value)
          }}
          data={[
            { value: 'auto', label: 'Like the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
      </div>
    </Section>
  )
}

function Connections() {
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
        <ConnectionRow key={connection.id} connection={connection} />
      ))}
    </Section>
  )
}

function ConnectionRow({ connection }: { readonly connection: ConnectionView }) {
  const { open, showBuckets } = useNavigation()
  const { id, name, endpointUrl, region, accessKeyId } = connection
  return (
    <div className={classes.row} data-testid="connection">
      <div className={classes.what}>
        <div className={`${classes.name} ellipsis`}>{name}</div>
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

function About() {
  const { data: info } = useAppInfo()
  const { status } = useStatus()
  const engine = status.engine.isShared
    ? 'running, started from the command line'
    : status.engine.state
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['Pail', info?.version ?? ''],
    ['Engine', engine],
    ['Runtime', info?.runtime ?? ''],
    ['Data folder', info?.dataDir ?? ''],
    ['Licence', 'MIT'],
  ]
  return (
    <Section title="About">
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name} className={classes.fact}>
            <dt>{name}</dt>
            <dd className="selectable numbers">{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}
