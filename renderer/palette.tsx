/** Ctrl/Cmd+K: every action that the window offers now, found by typing. */
import { useMantineColorScheme } from '@mantine/core'
import { Spotlight, type SpotlightActionData } from '@mantine/spotlight'
import {
  IconActivity,
  IconBucket,
  IconFolder,
  IconFolders,
  IconMoon,
  IconPlane,
  IconPlugConnected,
  IconPlugConnectedX,
  IconPlus,
  IconSearch,
  IconSettings,
} from '@tabler/icons-react'
import { useMountActions } from './mount-actions.ts'
import { useNavigation } from './navigation.ts'
import { useConnections, useStatus } from './queries.ts'
import { folderName, isServing, remotePath, stateAction } from './view/mount-state.ts'

const ICON = { size: 18, stroke: 1.7, 'aria-hidden': true } as const
const ICONS = {
  folder: <IconFolder {...ICON} />,
  mount: <IconPlugConnected {...ICON} />,
  unmount: <IconPlugConnectedX {...ICON} />,
} as const

export function Palette() {
  const actions = [...useFolderActions(), ...useConnectionActions(), ...usePageActions()]
  return (
    <Spotlight
      actions={actions}
      shortcut="mod + K"
      nothingFound="No such action"
      highlightQuery
      scrollable
      maxHeight={360}
      searchProps={{
        'aria-label': 'Find an action',
        leftSection: <IconSearch {...ICON} />,
        placeholder: 'Find an action',
      }}
    />
  )
}

function useFolderActions(): SpotlightActionData[] {
  const { status } = useStatus()
  const { open } = useNavigation()
  const { openFolder, mount: mountAgain } = useMountActions()
  return status.mounts.flatMap((mount) => {
    const { dir } = mount
    const name = folderName(dir)
    const common = { description: `${remotePath(mount)} on ${dir}` }
    const canOpen = stateAction(mount) === 'open'
    const canMount = stateAction(mount) === 'mount'
    const openIt = {
      ...common,
      id: `open ${dir}`,
      label: `Open ${name}`,
      leftSection: ICONS.folder,
      onClick: () => openFolder(dir),
    }
    const unmountIt = {
      ...common,
      id: `unmount ${dir}`,
      label: `Unmount ${name}`,
      leftSection: ICONS.unmount,
      onClick: () => open({ kind: 'unmount', dir }),
    }
    const mountIt = {
      ...common,
      id: `mount ${dir}`,
      label: `Mount ${name}`,
      leftSection: ICONS.mount,
      onClick: () => mountAgain(mount),
    }
    return [
      ...(canOpen ? [openIt] : []),
      ...(canMount ? [mountIt] : []),
      ...(isServing(mount) ? [unmountIt] : []),
    ]
  })
}

function useConnectionActions(): SpotlightActionData[] {
  const { data: connections = [] } = useConnections()
  const { open, showBuckets } = useNavigation()
  const buckets = connections.map(({ id, name, endpointUrl }) => ({
    id: `buckets ${id}`,
    label: `Mount a bucket of ${name}`,
    description: endpointUrl,
    leftSection: <IconBucket {...ICON} />,
    onClick: () => showBuckets(id),
  }))
  const add = {
    id: 'add-connection',
    label: 'Add a connection',
    leftSection: <IconPlus {...ICON} />,
    onClick: () => open({ kind: 'add-connection' }),
  }
  return [...buckets, add]
}

function usePageActions(): SpotlightActionData[] {
  const { goTo } = useNavigation()
  const { setColorScheme } = useMantineColorScheme()
  const theme = <IconMoon {...ICON} />
  return [
    {
      id: 'go folders',
      label: 'Go to folders',
      leftSection: <IconFolders {...ICON} />,
      onClick: () => goTo('folders'),
    },
    {
      id: 'go buckets',
      label: 'Go to buckets',
      leftSection: <IconBucket {...ICON} />,
      onClick: () => goTo('buckets'),
    },
    {
      id: 'go activity',
      label: 'Go to activity',
      leftSection: <IconActivity {...ICON} />,
      onClick: () => goTo('activity'),
    },
    {
      id: 'go offline',
      label: 'Go to what is kept offline',
      leftSection: <IconPlane {...ICON} />,
      onClick: () => goTo('offline'),
    },
    {
      id: 'go settings',
      label: 'Go to settings',
      leftSection: <IconSettings {...ICON} />,
      onClick: () => goTo('settings'),
    },
    {
      id: 'theme light',
      label: 'Light theme',
      leftSection: theme,
      onClick: () => setColorScheme('light'),
    },
    {
      id: 'theme dark',
      label: 'Dark theme',
      leftSection: theme,
      onClick: () => setColorScheme('dark'),
    },
    {
      id: 'theme auto',
      label: 'Theme like the system',
      leftSection: theme,
      onClick: () => setColorScheme('auto'),
    },
  ]
}
