/** What the window knows, as queries, and what it can ask for, as mutations. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useContext, useEffect } from 'react'
import { PailError } from '../shared/errors.ts'
import type { FolderRole } from '../shared/folder-roles.ts'
import { LIST_ENTRIES_MAX } from '../shared/sync-model.ts'
import type {
  WindowCall,
  WindowInput,
  WindowOutput,
  WindowStatus,
} from '../shared/window-contract.ts'
import type { WindowClient } from './client.ts'
import { isServing } from './view/mount-state.ts'
import type { PaceFacts } from './view/requests.ts'

export const ClientContext = createContext<WindowClient | undefined>(undefined)

export function useClient(): WindowClient {
  const client = useContext(ClientContext)
  if (client === undefined) throw new PailError('internal/bug', 'no client around')
  return client
}

const STARTING: WindowStatus = { engine: { state: 'starting', isShared: false }, mounts: [] }

/** The live status: asked for once, then kept by events. `isLoaded` is false until main answered once. */
export function useStatus(): { readonly status: WindowStatus; readonly isLoaded: boolean } {
  const client = useClient()
  const { data } = useQuery({
    queryKey: ['status'],
    queryFn: () => client.call('status/get', {}),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return { status: data ?? STARTING, isLoaded: data !== undefined }
}

/** Keeps the status live. Used once, at the top. */
export function useStatusEvents(): void {
  const client = useClient()
  const queries = useQueryClient()
  useEffect(
    () =>
      client.onDidChangeStatus((status) => {
        // What is being asked for was true before this.
        void queries.cancelQueries({ queryKey: ['status'] }, { silent: true })
        queries.setQueryData(['status'], status)
      }),
    [client, queries],
  )
}

export function useConnections() {
  const client = useClient()
  return useQuery({
    queryKey: ['connections'],
    queryFn: () => client.call('connections/list', {}),
  })
}

export function useBuckets(connectionId: string | undefined) {
  const client = useClient()
  return useQuery({
    queryKey: ['buckets', connectionId],
    queryFn: () => client.call('buckets/list', { connectionId: connectionId ?? '' }),
    enabled: connectionId !== undefined,
    staleTime: 60_000,
  })
}

/** How often the requests of a connection are asked for while they are shown. */
const REQUESTS_EVERY_MS = 2_000

export function useRequests(connectionId: string) {
  const client = useClient()
  const { status } = useStatus()
  return useQuery({
    queryKey: ['requests', connectionId],
    queryFn: () => client.call('connections/requests', { id: connectionId }),
    refetchInterval: REQUESTS_EVERY_MS,
    enabled: status.engine.state === 'running',
  })
}

/** Of a connection: does anything ask by itself at all? */
export function usePaceFacts(connectionId: string): PaceFacts {
  const { status } = useStatus()
  const isMounted = status.mounts.some(
    (mount) => mount.connectionId === connectionId && isServing(mount),
  )
  return { isMounted, isWorkingOffline: status.isWorkingOffline === true }
}

/** How often an open dialog looks again which programs use a folder. */
const HOLDERS_EVERY_MS = 2_000

export function useHolders(dir: string) {
  const client = useClient()
  return useQuery({
    queryKey: ['holders', dir],
    queryFn: () => client.call('mounts/holders', { dir }),
    refetchInterval: HOLDERS_EVERY_MS,
    gcTime: 0,
  })
}

/** Uploads of others that were never ended: asked of the bucket when a person looks, and not by itself. */
export function useForeignUploads(dir: string) {
  const client = useClient()
  return useQuery({
    queryKey: ['foreign-uploads', dir],
    queryFn: () => client.call('uploads/foreign', { dir }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  })
}

/** How often the list of what is kept is asked for while it is shown. */
const PINS_EVERY_MS = 1_500

export function usePins() {
  const client = useClient()
  return useQuery({
    queryKey: ['pins'],
    queryFn: () => client.call('pins/list', {}),
    refetchInterval: PINS_EVERY_MS,
  })
}

/** How often a list of the activity is asked for while it is shown. */
const LISTS_EVERY_MS = 1_000

type ListCall = 'queue/list' | 'attention/list' | 'conflicts/list' | 'recent/list'

/** One of the engine's lists, as long as there is an engine. */
export function useActivityList<C extends ListCall>(name: C) {
  const client = useClient()
  const { status } = useStatus()
  return useQuery({
    queryKey: ['activity', name],
    queryFn: () => client.call<ListCall>(name, { countMax: LIST_ENTRIES_MAX }) as ListOutput<C>,
    refetchInterval: LISTS_EVERY_MS,
    enabled: status.engine.state === 'running',
  })
}

type ListOutput<C extends ListCall> = Promise<WindowOutput<C>>

function useFolderRoles() {
  const client = useClient()
  const { status } = useStatus()
  return useQuery({
    queryKey: ['roles'],
    queryFn: () => client.call('folders/roles', {}),
    refetchInterval: PINS_EVERY_MS,
    enabled: status.engine.state === 'running',
  })
}

/** What the folder is for, if it sends or receives. */
export function useRole(dir: string): FolderRole | undefined {
  const { data } = useFolderRoles()
  return data?.find((folder) => folder.dir === dir)?.role
}

/** The names of files that are never uploaded. */
export function useJunk() {
  const client = useClient()
  const { status } = useStatus()
  return useQuery({
    queryKey: ['junk'],
    queryFn: () => client.call('junk/get', {}),
    enabled: status.engine.state === 'running',
  })
}

/** What lies on this computer, and how much may; it changes by itself. */
export function useRoom() {
  const client = useClient()
  const { status } = useStatus()
  return useQuery({
    queryKey: ['room'],
    queryFn: () => client.call('cache/get', {}),
    enabled: status.engine.state === 'running',
    refetchInterval: ROOM_EVERY_MS,
  })
}

const ROOM_EVERY_MS = 3_000

export function useAppInfo() {
  const client = useClient()
  return useQuery({ queryKey: ['app-info'], queryFn: () => client.call('app/info', {}) })
}

/** A call that changes something; afterwards everything shown is asked for again. */
export function useAction<C extends WindowCall>(name: C) {
  const client = useClient()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (input: WindowInput<C>) => client.call(name, input),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['status'] })
      if (name.startsWith('junk/')) await queries.invalidateQueries({ queryKey: ['junk'] })
      if (name.startsWith('cache/')) await queries.invalidateQueries({ queryKey: ['room'] })
      if (name.startsWith('pins/')) await queries.invalidateQueries({ queryKey: ['pins'] })
      if (/^(uploads|conflicts|deletes|network)\//.test(name)) {
        await queries.invalidateQueries({ queryKey: ['activity'] })
      }
      if (name === 'uploads/abort') {
        await queries.invalidateQueries({ queryKey: ['foreign-uploads'] })
      }
      if (name.endsWith('-role')) await queries.invalidateQueries({ queryKey: ['roles'] })
      if (name.startsWith('connections/')) {
        await queries.invalidateQueries({ queryKey: ['connections'] })
        await queries.invalidateQueries({ queryKey: ['requests'] })
        if (name === 'connections/renew') await queries.invalidateQueries({ queryKey: ['buckets'] })
      }
    },
  })
}
