/**
 * State machines as data: what may follow what is a table, and what is not in it is refused.
 *
 * Never: acts. The owner of a state decides which event happened; the table says where it leads.
 */
import { PailError } from './errors.ts'

/** From each state, the events that may happen and where they lead. */
export type Transitions<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>

/** @throws PailError `internal/bug` when the table has no such transition */
export function transition<State extends string, Event extends string>(
  table: Transitions<State, Event>,
  from: State,
  event: Event,
): State {
  const to = table[from][event]
  if (to === undefined)
    throw new PailError('internal/bug', `no transition from ${from} by ${event}`)
  return to
}

/**
 * How one endpoint can be used right now. `work-offline`: a person wants no requests at all.
 */
export type ConnectivityState =
  | 'online'
  | 'offline'
  | 'captive-portal'
  | 'needs-sign-in'
  | 'clock-skewed'
  | 'work-offline'

export type ConnectivityEvent =
  | 'verified'
  | 'network-lost'
  | 'portal-seen'
  | 'keys-refused'
  | 'clock-refused'
  | 'work-offline-on'
  | 'work-offline-off'

/** A state has no transition to itself: an owner that sees the same again has nothing to say. */
export const CONNECTIVITY_TRANSITIONS: Transitions<ConnectivityState, ConnectivityEvent> = {
  online: {
    'network-lost': 'offline',
    'portal-seen': 'captive-portal',
    'keys-refused': 'needs-sign-in',
    'clock-refused': 'clock-skewed',
    'work-offline-on': 'work-offline',
  },
  offline: {
    verified: 'online',
    'portal-seen': 'captive-portal',
    'keys-refused': 'needs-sign-in',
    'clock-refused': 'clock-skewed',
    'work-offline-on': 'work-offline',
  },
  'captive-portal': {
    verified: 'online',
    'network-lost': 'offline',
    'keys-refused': 'needs-sign-in',
    'clock-refused': 'clock-skewed',
    'work-offline-on': 'work-offline',
  },
  'needs-sign-in': {
    verified: 'online',
    'network-lost': 'offline',
    'portal-seen': 'captive-portal',
    'clock-refused': 'clock-skewed',
    'work-offline-on': 'work-offline',
  },
  'clock-skewed': {
    verified: 'online',
    'network-lost': 'offline',
    'portal-seen': 'captive-portal',
    'keys-refused': 'needs-sign-in',
    'work-offline-on': 'work-offline',
  },
  'work-offline': { 'work-offline-off': 'offline' },
}

/** The life of one mount. Whether its endpoint can be reached is the endpoint's own state. */
export type MountLife = 'starting' | 'mounted' | 'stopping' | 'stopped' | 'failed'
export type MountEvent = 'mounted' | 'failed' | 'stopping' | 'stop-refused' | 'ended'

export const MOUNT_TRANSITIONS: Transitions<MountLife, MountEvent> = {
  starting: { mounted: 'mounted', failed: 'failed' },
  mounted: { stopping: 'stopping', ended: 'stopped' },
  stopping: { 'stop-refused': 'mounted', ended: 'stopped' },
  stopped: {},
  failed: {},
}
