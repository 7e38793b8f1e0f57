/** Appearance, connections, what is never uploaded, and what this program is. */
import { SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { Page } from '../parts/page.tsx'
import { useAppInfo, useStatus } from '../queries.ts'
import { Connections } from '../settings/connections.tsx'
import { JunkNames } from '../settings/junk.tsx'
import { Section } from '../settings/section.tsx'
import classes from './settings.module.css'

export function SettingsPage() {
  return (
    <Page title="Settings">
      <Appearance />
      <Connections />
      <JunkNames />
      <About />
    </Page>
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
