/** Everything that can be done with a mount. */
import { ActionIcon, Menu } from '@mantine/core'
import {
  IconDots,
  IconDownload,
  IconFileUnknown,
  IconFolder,
  IconPlane,
  IconPlugConnected,
  IconPlugConnectedX,
  IconRefresh,
  IconTrash,
  IconUpload,
} from '@tabler/icons-react'
import type { MountRow } from '../../shared/window-contract.ts'
import { useMountActions } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import classes from '../pages/folders.module.css'
import { useRole } from '../queries.ts'
import { folderName, isServing, ROLE_WORDS } from '../view/mount-state.ts'

type MenuProps = { readonly mount: MountRow }

export function FolderMenu({ mount }: MenuProps) {
  const { open: openDialog } = useNavigation()
  const actions = useMountActions()
  return (
    <Menu position="bottom-end" width={220} transitionProps={{ duration: 80 }}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={`More for ${folderName(mount.dir)}`}
        >
          <IconDots size={19} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconFolder size={16} />}
          onClick={() => actions.copyPath(mount.dir)}
        >
          Copy local path
        </Menu.Item>
        {isServing(mount) && (
          <Menu.Item
            leftSection={<IconRefresh size={16} />}
            onClick={() => actions.refresh(mount.dir)}
          >
            Refresh
          </Menu.Item>
        )}
        {isServing(mount) && (
          <Menu.Item
            leftSection={<IconPlane size={16} />}
            onClick={() => actions.keepOffline(mount.dir, true)}
          >
            Keep offline
          </Menu.Item>
        )}
        {isServing(mount) && <RoleItems mount={mount} />}
        {isServing(mount) && (
          <Menu.Item
            leftSection={<IconFileUnknown size={16} />}
            onClick={() => openDialog({ kind: 'foreign-uploads', dir: mount.dir })}
          >
            Unfinished uploads…
          </Menu.Item>
        )}
        {isServing(mount) ? (
          <Menu.Item
            leftSection={<IconPlugConnectedX size={16} />}
            onClick={() => openDialog({ kind: 'unmount', dir: mount.dir })}
          >
            Unmount…
          </Menu.Item>
        ) : (
          <Menu.Item
            leftSection={<IconPlugConnected size={16} />}
            disabled={mount.connectionId === undefined}
            onClick={() => actions.mount(mount)}
          >
            Mount
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item
          className={classes.danger ?? ''}
          leftSection={<IconTrash size={16} />}
          onClick={() => openDialog({ kind: 'remove-mount', dir: mount.dir })}
        >
          Remove from the list…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** Marks that say what the folder is for: batches that leave it, or come into it. */
function RoleItems({ mount }: MenuProps) {
  const { setRole } = useMountActions()
  const role = useRole(mount.dir)
  if (role !== undefined) {
    const Icon = role === 'send' ? IconUpload : IconDownload
    return (
      <Menu.Item leftSection={<Icon size={16} />} onClick={() => setRole(mount.dir, undefined)}>
        No {ROLE_WORDS[role].toLowerCase()} any more
      </Menu.Item>
    )
  }
  return (
    <>
      {!mount.readOnly && (
        <Menu.Item
          leftSection={<IconUpload size={16} />}
          onClick={() => setRole(mount.dir, 'send')}
        >
          Make it a send folder
        </Menu.Item>
      )}
      <Menu.Item
        leftSection={<IconDownload size={16} />}
        onClick={() => setRole(mount.dir, 'receive')}
      >
        Make it a receive folder
      </Menu.Item>
    </>
  )
}
