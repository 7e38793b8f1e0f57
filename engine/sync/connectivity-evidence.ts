/**
 * What a failure says about the way to the server. Pure.
 */
import { assertNever, type ErrorCode, PailError } from '../../shared/errors.ts'
import type { ConnectivityEvent, ConnectivityState } from '../../shared/states.ts'

export type Trouble = 'network' | 'portal' | 'keys' | 'clock'
/** `answered`: an S3 server took the request and our keys. `none`: nothing can be said. */
export type Evidence = Trouble | 'answered' | 'none'

const EVIDENCE: Partial<Record<ErrorCode, Evidence>> = {
  'net/unreachable': 'network',
  'net/timeout': 'network',
  'net/reset': 'network',
  'net/captive-portal': 'portal',
  // A portal that intercepts https shows itself by a certificate that is not the server's.
  'net/tls': 'portal',
  'auth/bad-key': 'keys',
  'auth/clock-skewed': 'clock',
  // One object may be denied to keys that are good for others.
  'auth/denied': 'answered',
  's3/no-bucket': 'answered',
  's3/no-key': 'answered',
  's3/precondition': 'answered',
  's3/archived': 'answered',
  's3/rejected': 'answered',
  's3/unsupported': 'answered',
}

/** @param from a probe asks for nothing but what every mount needs: denied there is denied */
export function evidenceOf(error: PailError, from: 'request' | 'probe' = 'request'): Evidence {
  if (from === 'probe' && error.code === 'auth/denied') return 'keys'
  return EVIDENCE[error.code] ?? 'none'
}

export function troubleEvent(trouble: Trouble): ConnectivityEvent {
  switch (trouble) {
    case 'network':
      return 'network-lost'
    case 'portal':
      return 'portal-seen'
    case 'keys':
      return 'keys-refused'
    case 'clock':
      return 'clock-refused'
    default:
      return assertNever(trouble)
  }
}

/** The error of a request that is not sent because of the endpoint's state. */
export function refusalOf(
  state: ConnectivityState,
  cause: PailError | undefined,
): PailError | undefined {
  switch (state) {
    case 'online':
      return undefined
    case 'offline':
      return new PailError('net/offline', 'the endpoint is known to be offline', {}, cause)
    case 'work-offline':
      return new PailError('net/offline', 'work offline is switched on')
    case 'captive-portal':
      return new PailError('net/captive-portal', 'something else answers', {}, cause)
    case 'needs-sign-in':
      return new PailError(
        cause?.code === 'auth/denied' ? 'auth/denied' : 'auth/bad-key',
        'the keys were refused',
        {},
        cause,
      )
    case 'clock-skewed':
      return new PailError('auth/clock-skewed', 'requests are refused for their time', {}, cause)
    default:
      return assertNever(state)
  }
}
