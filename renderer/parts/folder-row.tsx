/** One mount: what it is, how it is, and what can be done with it. */
import { ActionIcon, Button, Tooltip, UnstyledButton } from '@mantine/core'
import { IconFolder, IconFolderOff, IconLock, IconPlugConnectedX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { pendingWords } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { useMountActions } from '../mount-actions.ts'
import { useNavigation } from '../navigation.ts'
import { useNow } from '../now.ts'
import classes from '../pages/folders.module.css'
import { useRole } from '../queries.ts'
import { heldSentence } from '../view/attention.ts'
import {
  folderName,
  foundSentence,
  isServing,
  ROLE_WORDS,
  remotePath,
  stateAction,
  stateTone,
  stateWord,
} from '../view/mount-state.ts'
import { listedWords, readOnlyReason } from '../view/rights.ts'
import { exactTime } from '../view/time.ts'
import { FolderHints } from './folder-hints.tsx'
import { FolderMenu } from './folder-menu.tsx'
import { PathText } from './path-text.tsx'
import { ToneIcon } from './tone.tsx'
import { UnprotectedMark } from './unprotected.tsx'

type RowProps = { readonly mount: MountRow }

export function FolderRow({ mount }: RowProps) {
  const tone = stateTone(mount.state)
  const name = folderName(mount.dir)
  return (
    <li className={classes.row} aria-label={name} data-state={mount.state}>
      <div className={classes.folderIcon} data-tone={tone}>
        {isServing(mount) ? (
          <IconFolder size={22} stroke={1.6} aria-hidden />
        ) : (
          <IconFolderOff size={22} stroke={1.6} aria-hidden />
        )}
      </div>
      <FolderFacts mount={mount} />
      <FolderState mount={mount} />
      <FolderActions mount={mount} />
      <FolderNotes mount={mount} />
      <FolderHints mount={mount} />
      {mount.found !== undefined && (
        <p className={classes.reason}>
          {foundSentence(mount.found.count)} <span className="selectable">{mount.found.dir}</span>
        </p>
      )}
    </li>
  )
}

/** Why the folder is as it is, and the way out. */
function FolderNotes({ mount }: RowProps) {
  const { open: openDialog, goTo } = useNavigation()
  const { state, reason, connectionId, heldDeletes } = mount
  const mayRenew = state === 'needs-sign-in' && connectionId !== undefined
  return (
    <>
      {reason !== undefined && (
        <p className={classes.reason}>
          {reason}{' '}
          {mayRenew && (
            <NoteLink onClick={() => openDialog({ kind: 'renew-keys', id: connectionId })}>
              Enter newer keys…
            </NoteLink>
          )}
        </p>
      )}
      {heldDeletes !== undefined && (
        <p className={classes.reason}>
          {heldSentence(heldDeletes)}.{' '}
          <NoteLink onClick={() => goTo('activity')}>Bring back or delete…</NoteLink>
        </p>
      )}
    </>
  )
}

type NoteLinkProps = { readonly onClick: () => void; readonly children: ReactNode }

function NoteLink({ onClick, children }: NoteLinkProps) {
  return (
    <UnstyledButton className={classes.noteLink} onClick={onClick}>
      {children}
    </UnstyledButton>
  )
}

function FolderFacts({ mount }: RowProps) {
  const connection = mount.connectionName ?? 'command line'
  const listed = listedWords(mount.listedMs, useNow())
  const role = useRole(mount.dir)
  return (
    <div>
      <div className={classes.name}>
        <span className="ellipsis selectable" title={remotePath(mount)}>
          {remotePath(mount)}
        </span>
        {mount.readOnly && (
          <Tooltip label={readOnlyReason(mount)}>
            <span className={classes.mark}>
              <IconLock size={11} aria-hidden />
              Read-only
            </span>
          </Tooltip>
        )}
        <UnprotectedMark endpointUrl={mount.endpointUrl} />
        {role !== undefined && <span className={classes.mark}>{ROLE_WORDS[role]}</span>}
      </div>
      <div className={classes.meta}>
        <PathText text={mount.dir} />
        <span className="ellipsis" title={mount.endpointUrl}>
          {connection}
        </span>
        {listed !== undefined && (
          <span className="numbers" title={exactTime(mount.listedMs ?? 0)}>
            {listed}
          </span>
        )}
      </div>
    </div>
  )
}

function FolderState({ mount }: RowProps) {
  const { pendingFiles, state } = mount
  return (
    <div className={classes.state}>
      <div className={classes.stateWord}>
        <ToneIcon tone={stateTone(state)} />
        {stateWord(state)}
      </div>
      <div className={`${classes.pending} numbers`} data-testid="pending">
        {pendingFiles > 0 && `${pendingWords(mount)} ↑`}
        {pendingFiles === 0 && isServing(mount) && state !== 'starting' && 'Nothing to upload'}
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
      {isServing(mount) && (
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
      <FolderMenu mount={mount} />
    </div>
  )
}
