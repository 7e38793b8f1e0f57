/**
 * Translates whatever a server or the way to it says into the closed table of errors (pure).
 *
 * Never: puts a signature, a header of the request or a query string into an error.
 */
import { type ErrorCode, PailError } from '../../shared/errors.ts'
import {
  failureOf,
  hasS3Headers,
  isWebPage,
  printable,
  type Reply,
  requestId,
  type S3Failure,
  type Where,
} from './reply.ts'

/** @see AWS S3 API reference, "Error responses"; IBM COS API, "Error codes" */
const BY_SERVER_CODE: Readonly<Record<string, ErrorCode>> = {
  AccessDenied: 'auth/denied',
  AccountProblem: 'auth/denied',
  AllAccessDisabled: 'auth/denied',
  InvalidPayer: 'auth/denied',
  ObjectLocked: 'auth/denied',
  InvalidAccessKeyId: 'auth/bad-key',
  // versitygw's name for it.
  XAdminUserNotFound: 'auth/bad-key',
  SignatureDoesNotMatch: 'auth/bad-key',
  InvalidSecurity: 'auth/bad-key',
  InvalidToken: 'auth/bad-key',
  ExpiredToken: 'auth/bad-key',
  TokenRefreshRequired: 'auth/bad-key',
  RequestTimeTooSkewed: 'auth/clock-skewed',
  RequestExpired: 'auth/clock-skewed',
  NoSuchBucket: 's3/no-bucket',
  NoSuchKey: 's3/no-key',
  NoSuchUpload: 's3/no-key',
  NoSuchVersion: 's3/no-key',
  PreconditionFailed: 's3/precondition',
  // The object was smaller when this range was asked for: it is another version.
  InvalidRange: 's3/precondition',
  // Another writer was at the same key in the same moment: asked again, it succeeds or is a 412.
  ConditionalRequestConflict: 's3/busy',
  OperationAborted: 's3/busy',
  SlowDown: 's3/busy',
  SlowDownRead: 's3/busy',
  SlowDownWrite: 's3/busy',
  Busy: 's3/busy',
  Throttling: 's3/busy',
  ThrottlingException: 's3/busy',
  TooManyRequests: 's3/busy',
  RequestLimitExceeded: 's3/busy',
  BandwidthLimitExceeded: 's3/busy',
  ServiceUnavailable: 's3/busy',
  InternalError: 's3/server',
  InternalFailure: 's3/server',
  ServiceFailure: 's3/server',
  RequestTimeout: 'net/timeout',
  IncompleteBody: 'net/reset',
  PermanentRedirect: 's3/wrong-region',
  TemporaryRedirect: 's3/wrong-region',
  Redirect: 's3/wrong-region',
  AuthorizationHeaderMalformed: 's3/wrong-region',
  IllegalLocationConstraintException: 's3/wrong-region',
  InvalidObjectState: 's3/archived',
  // The source of a copy, at Amazon.
  ObjectNotInActiveTierError: 's3/archived',
  NotImplemented: 's3/unsupported',
  MethodNotAllowed: 's3/unsupported',
  NotSupported: 's3/unsupported',
  EntityTooLarge: 's3/too-large',
  MaxMessageLengthExceeded: 's3/too-large',
  BadDigest: 's3/integrity',
  InvalidDigest: 's3/integrity',
  XAmzContentSHA256Mismatch: 's3/integrity',
  XAmzContentChecksumMismatch: 's3/integrity',
}

/** No code of its own: the object is encrypted with a key that only its owner has (SSE-C). */
const CUSTOMER_KEY_MISSING = /server.side encryption/i

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'auth/bad-key',
  403: 'auth/denied',
  404: 's3/no-key',
  405: 's3/unsupported',
  408: 'net/timeout',
  409: 's3/busy',
  412: 's3/precondition',
  413: 's3/too-large',
  416: 's3/precondition',
  429: 's3/busy',
  500: 's3/server',
  501: 's3/unsupported',
  502: 's3/server',
  503: 's3/busy',
  504: 'net/timeout',
  509: 's3/busy',
  511: 'net/captive-portal',
}

const BY_SYSTEM_CODE: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'net/unreachable',
  ENOTFOUND: 'net/unreachable',
  EAI_NODATA: 'net/unreachable',
  EAI_FAIL: 'net/unreachable',
  EAI_AGAIN: 'net/offline',
  ENETUNREACH: 'net/offline',
  ENETDOWN: 'net/offline',
  EHOSTUNREACH: 'net/offline',
  EHOSTDOWN: 'net/offline',
  EADDRNOTAVAIL: 'net/offline',
  ETIMEDOUT: 'net/timeout',
  ESOCKETTIMEDOUT: 'net/timeout',
  ECONNRESET: 'net/reset',
  ECONNABORTED: 'net/reset',
  EPIPE: 'net/reset',
  EMFILE: 's3/busy',
  ENFILE: 's3/busy',
  // A plain HTTP server answers on a port where TLS is spoken.
  EPROTO: 'net/tls',
  ERR_INVALID_CHAR: 's3/rejected',
  ERR_UNESCAPED_CHARACTERS: 's3/rejected',
}

const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT)/

/**
 * The error that a reply is. Call it for every reply whose status is not the one expected, and
 * for a 200 that carries an `<Error>`.
 *
 * @param where facts of the request (bucket, key, operation)
 */
export function errorOfReply(reply: Reply, where: Where): PailError {
  const failure = failureOf(reply)
  const facts = factsOf(reply, failure, where)
  if (!failure && isForeign(reply)) return foreignReply(reply, facts)
  const code = codeOfReply(reply, failure, where)
  return new PailError(code, detailOf(reply, failure), facts)
}

/** The error that a code inside a reply is, for instance of one key of a batch. */
export function codeOfServerCode(serverCode: string): ErrorCode | undefined {
  return Object.hasOwn(BY_SERVER_CODE, serverCode) ? BY_SERVER_CODE[serverCode] : undefined
}

/** The error of a request that got no reply. */
export function errorOfNetwork(thrown: unknown, where: Where): PailError {
  if (thrown instanceof PailError) return thrown
  const code = systemCode(thrown)
  const facts = code ? { ...where, systemCode: code } : where
  return new PailError(codeOfSystemCode(code), code ?? messageOf(thrown), facts, thrown)
}

/** Did no connection come about? Then nothing of the request can have reached a server. */
export function isUnsent({ code, cause }: PailError): boolean {
  if (code === 'net/unreachable' || cause instanceof AggregateError) return true
  const call = cause instanceof Error && 'syscall' in cause ? cause.syscall : undefined
  return call === 'connect' || call === 'getaddrinfo'
}

function codeOfReply(reply: Reply, failure: S3Failure | undefined, where: Where): ErrorCode {
  const named = failure && codeOfServerCode(failure.code)
  // This code is also used for a malformed key, in which case no other region is named.
  if (failure?.code === 'AuthorizationHeaderMalformed' && !regionHint(reply)) return 'auth/bad-key'
  if (named) return named
  if (failure?.code === 'InvalidRequest' && CUSTOMER_KEY_MISSING.test(failure.message)) {
    return 's3/customer-key'
  }
  if (isRedirect(reply.status)) return 's3/wrong-region'
  if (reply.status === 400 && reply.headers['x-amz-bucket-region'] && !failure) {
    return 's3/wrong-region'
  }
  if (reply.status === 404 && !where.key) return 's3/no-bucket'
  if (reply.headers['x-amz-delete-marker'] === 'true') return 's3/no-key'
  // A 200 with an error was begun and then failed: another try may succeed.
  if (reply.status >= 200 && reply.status < 300) return failure ? 's3/server' : 's3/bad-reply'
  return BY_STATUS[reply.status] ?? (reply.status >= 500 ? 's3/server' : 's3/rejected')
}

/** The region the server names as the right one, if it names one. */
export function regionHint(reply: Reply): string | undefined {
  const hint = reply.headers['x-amz-bucket-region'] ?? failureOf(reply)?.region
  return hint && /^[A-Za-z0-9-]{1,64}$/.test(hint) ? hint : undefined
}

/** A reply without any mark of S3, whose status could be anybody's. */
function isForeign(reply: Reply): boolean {
  if (hasS3Headers(reply)) return false
  if (isRedirect(reply.status) || reply.status === 511 || reply.status === 407) return true
  if (reply.status < 400) return true
  return reply.status < 500 && isWebPage(reply)
}

function foreignReply(reply: Reply, facts: Where): PailError {
  const location = locationOf(reply)
  if (location?.protocol === 'https:' && location.host === facts.host) {
    return new PailError('s3/not-s3', 'the server asks to be called by https', facts)
  }
  const isPortal =
    reply.status === 511 ||
    (isRedirect(reply.status) && location !== undefined) ||
    (reply.status < 400 && isWebPage(reply))
  const target = location ? ` and sends to ${location.host}` : ''
  return new PailError(
    isPortal ? 'net/captive-portal' : 's3/not-s3',
    `something that is no S3 server answers ${reply.status}${target}`,
    facts,
  )
}

function locationOf(reply: Reply): URL | undefined {
  const location = reply.headers.location
  if (!location || !URL.canParse(location, 'http://relative.invalid')) return undefined
  return new URL(location, 'http://relative.invalid')
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304
}

function factsOf(reply: Reply, failure: S3Failure | undefined, where: Where): Where {
  const id = requestId(reply)
  const region = regionHint(reply)
  return {
    ...where,
    status: reply.status,
    ...(failure?.code ? { serverCode: failure.code } : {}),
    ...(id ? { requestId: printable(id) } : {}),
    ...(region ? { region } : {}),
    ...(failure?.endpoint ? { endpoint: failure.endpoint } : {}),
  }
}

function detailOf(reply: Reply, failure: S3Failure | undefined): string {
  if (!failure) return `the server answers ${reply.status}`
  return `the server answers ${reply.status} ${failure.code}: ${failure.message}`
}

function codeOfSystemCode(code: string | undefined): ErrorCode {
  if (code === undefined) return 'net/reset'
  if (Object.hasOwn(BY_SYSTEM_CODE, code)) return BY_SYSTEM_CODE[code] ?? 'net/reset'
  if (TLS_CODE.test(code)) return 'net/tls'
  // What llhttp cannot read is not an HTTP answer that could be used.
  if (code.startsWith('HPE_')) return 's3/bad-reply'
  return 'net/reset'
}

/** Connecting to several addresses at once fails with one error that holds the others. */
function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  if ('code' in thrown && typeof thrown.code === 'string' && thrown.code !== '') return thrown.code
  if ('errors' in thrown && Array.isArray(thrown.errors)) return systemCode(thrown.errors[0])
  return undefined
}

function messageOf(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown))
}
