/** One mount: what it is, how it is, and what can be done with it. */
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core'
import {
  IconDots,
  IconFolder,
  IconFolderOff,
  IconLock,
  IconPlane,
  IconPlugConnected,
  IconPlugConnectedX,
  IconTrash,
} from '@tabler/icons-react'
import { formatBytes, formatCount } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { useMountActions } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import classes from '../pages/folders.module.css'
import {
  folderName,
  foundSentence,
  isServing,
  remotePath,
  stateAction,
  stateTone,
  stateWord,
} from '../view/mount-state.ts'
import { ToneIcon } from './tone.tsx'

type RowProps = { readonly mount: MountRow }

export function FolderRow({ mount }: RowProps) {
  const tone = stateTone(mount.state)
  const name = folderName(mount.dir)
  return (
    <li className={classes.row} aria-label={name} data-state={mount.state}>
      <div className={classes.folderIcon} data-tone={tone}>
        {isServing(mount.state) ? (
          <IconFolder size={22} stroke={1.6} aria-hidden />
        ) : (
          <IconFolderOff size={22} stroke={1.6} aria-hidden />
        )}
      </div>
      <FolderFacts mount={mount} />
      <FolderState mount={mount} />
      <FolderActions mount={mount} />
      {mount.reason !== undefined && mount.state !== 'mounted' && (
        <p className={classes.reason}>{mount.reason}</p>
      )}
      {mount.found !== undefined && (
        <p className={classes.reason}>
          {foundSentence(mount.found.count)} <span className="selectable">{mount.found.dir}</span>
        </p>
      )}
    </li>
  )
}

function FolderFacts({ mount }: RowProps) {
  const connection = mount.connectionName ?? 'command line'
  return (
    <div>
      <div className={classes.name}>
        <span className="ellipsis selectable" title={remotePath(mount)}>
          {remotePath(mount)}
        </span>
        {mount.readOnly && (
          <span className={classes.mark}>
            <IconLock size={11} aria-hidden />
            Read-only
          </span>
        )}
      </div>
      <div className={classes.meta}>
        <span className="ellipsis selectable" title={mount.dir}>
          {mount.dir}
        </span>
        <span className="ellipsis" title={mount.endpointUrl}>
          {connection}
        </span>
      </div>
    </div>
  )
}

function FolderState({ mount }: RowProps) {
  const { pendingFiles, pendingBytes, state } = mount
  return (
    <div className={classes.state}>
      <div className={classes.stateWord}>
        <ToneIcon tone={stateTone(state)} />
        {stateWord(state)}
      </div>
      <div className={`${classes.pending} numbers`} data-testid="pending">
        {pendingFiles > 0 && `${formatCount(pendingFiles, 'file')}, ${formatBytes(pendingBytes)} ↑`}
        {pendingFiles === 0 && isServing(state) && state !== 'starting' && 'Nothing to upload'}
      </div>
    </div>
  )
}

function FolderActions({ mount }: RowProps) {
  const { open: openDialog } = useNavigation()
  const actions = useMountActions()
  const action = stateAction(mount)
  return (
    <div className={classes.actions}>
      {action === 'open' && (
        <Button variant="default" onClick={() => actions.openFolder(mount.dir)}>
          Open
        </Button>
      )}
      {action === 'mount' && (
        <Button variant="default" loading={actions.isMounting} onClick={() => actions.mount(mount)}>
          {mount.state === 'stopped' ? 'Mount' : 'Try again'}
        </Button>
      )}
      {isServing(mount.state) && (
        <Tooltip label="Unmount">
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={`Unmount ${folderName(mount.dir)}`}
            disabled={mount.state === 'stopping'}
            onClick={() => openDialog({ kind: 'unmount', dir: mount.dir })}
          >
            <IconPlugConnectedX size={19} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      )}
      <MoreMenu mount={mount} />
    </div>
  )
}

function MoreMenu({ mount }: RowProps) {
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
        {isServing(mount.state) && (
          <Menu.Item
            leftSection={<IconPlane size={16} />}
            onClick={() => actions.keepOffline(mount.dir, true)}
          >
            Keep offline
          </Menu.Item>
        )}
        {isServing(mount.state) ? (
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
