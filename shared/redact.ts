/**
 * Takes secrets out of whatever is about to be logged or shown.
 *
 * Keeps: the shape of the record, so that a log stays useful; cycles, depth and size are bounded.
 * Never: decides by trust. Every record of every sink passes through here.
 */

const MASK = '[redacted]'
const DEPTH_MAX = 8
const ITEMS_MAX = 200
const TEXT_MAX = 16 * 1024
/** Shorter ones would mask ordinary words. */
const KNOWN_SECRET_MIN = 6

/** Field names whose value is never shown, whatever it is. */
const SECRET_NAME =
  /secret|passw(or)?d|passphrase|authorization|signature|security[-_]?token|session[-_]?token|credential|cookie|api[-_]?key|private[-_]?key/i

type Rule = readonly [pattern: RegExp, replacement: string]

/** Secrets inside running text: header lines, signed URLs, JSON, key ids, user info of a URL. */
const TEXT_RULES: readonly Rule[] = [
  [/\b(AWS4-HMAC-SHA256)\s+Credential=[^\r\n]*/gi, `$1 ${MASK}`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*)[^\r\n]+/gi, `$1${MASK}`],
  [
    /\b(x-amz-(?:signature|credential|security-token)["']?\s*[:=]\s*["']?)[^&\s"',}]+/gi,
    `$1${MASK}`,
  ],
  [
    /((?:secret[-_ ]?(?:access[-_ ]?)?key|aws_secret_access_key|secret|passw(?:or)?d)\\?["']?\s*[:=]\s*\\?["']?)[^\s"',}&\\]+/gi,
    `$1${MASK}`,
  ],
  [/\b(A(?:KI|SI)A)[A-Z0-9]{12,}/g, `$1${MASK}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@"']+@/gi, `$1${MASK}@`],
]

/**
 * A copy of `value` that is safe to log.
 * @param known  secrets this process holds right now: masked wherever they stand
 */
export function redact(value: unknown, known: Iterable<string> = []): unknown {
  const secrets = [...known].filter((secret) => secret.length >= KNOWN_SECRET_MIN)
  return redactValue(value, { secrets, seen: new Set(), depth: 0 })
}

export function redactText(text: string, known: Iterable<string> = []): string {
  let out = text
  for (const secret of known) {
    if (secret.length >= KNOWN_SECRET_MIN) out = out.replaceAll(secret, MASK)
  }
  for (const [pattern, replacement] of TEXT_RULES) out = out.replace(pattern, replacement)
  return out.length > TEXT_MAX ? `${out.slice(0, TEXT_MAX)}…` : out
}

type State = {
  readonly secrets: readonly string[]
  readonly seen: ReadonlySet<object>
  readonly depth: number
}

function redactValue(value: unknown, state: State): unknown {
  if (typeof value === 'string') return redactText(value, state.secrets)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (state.depth >= DEPTH_MAX || state.seen.has(value)) return '[…]'
  const inner = { ...state, depth: state.depth + 1, seen: new Set([...state.seen, value]) }
  if (value instanceof Error) return redactError(value, inner)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redactValue(item, inner))
  return redactRecord(value, inner)
}

function redactRecord(record: object, state: State): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(record).slice(0, ITEMS_MAX)) {
    out[redactText(name, state.secrets)] = isSecretName(name, item)
      ? MASK
      : redactValue(item, state)
  }
  return out
}

/** A field called `credentials` may be a group: its own fields are judged one by one. */
function isSecretName(name: string, item: unknown): boolean {
  if (item === null || item === undefined || typeof item === 'boolean') return false
  return SECRET_NAME.test(name) && (typeof item !== 'object' || !/credentials?$/i.test(name))
}

function redactError(error: Error, state: State): Record<string, unknown> {
  return {
    name: error.name,
    message: redactText(error.message, state.secrets),
    stack: error.stack === undefined ? undefined : redactText(error.stack, state.secrets),
    ...redactRecord(error, state),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, state) }),
  }
}
