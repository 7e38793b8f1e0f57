/**
 * What `pail doctor` finds out, and what it makes of it. The second half is pure.
 *
 * Never: holds a secret, or anything that a server said word for word.
 */
import type { StatusView } from '../../shared/model.ts'
import { isUnprotected, UNPROTECTED_SENTENCE, UNPROTECTED_TODO } from '../../shared/protection.ts'
import { formatBytes, formatCount } from '../format.ts'
import { formatDuration } from '../format-state.ts'

export const VERDICTS = ['ok', 'warn', 'fail'] as const
export type Check = {
  readonly name: string
  readonly verdict: (typeof VERDICTS)[number]
  readonly what: string
  /** What a person can do; absent when all is well. */
  readonly todo?: string
}

export type EndpointFacts = {
  readonly url: string
  /** Undefined: the name has an address. */
  readonly dnsError?: string
  /** Undefined: it answers, and over TLS with a certificate that is trusted. */
  readonly connectError?: { readonly code: string; readonly isTls: boolean }
  /** How far this computer's clock is ahead of the server's; undefined: the server does not say. */
  readonly skewMs?: number
}

export type EngineFacts =
  | { readonly state: 'none' }
  | { readonly state: 'silent'; readonly because: string }
  | { readonly state: 'running'; readonly status: StatusView; readonly check: DatabaseFacts }

export type DatabaseFacts = {
  readonly problems: readonly string[]
  readonly oldestPendingMs?: number | undefined
}

export type DoctorFacts = {
  readonly nowMs: number
  readonly platform: string
  readonly kernel: string
  readonly isRoot: boolean
  readonly fuse: 'usable' | 'forbidden' | 'missing'
  readonly hasFusermount: boolean
  readonly dataDir: {
    readonly path: string
    readonly exists: boolean
    readonly isOwn: boolean
    readonly isPrivate: boolean
    readonly isWritable: boolean
  }
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number }
  readonly staleMounts: readonly string[]
  readonly engine: EngineFacts
  readonly endpoints: readonly EndpointFacts[]
}

/** Below this, programs get "no space left"; the engine keeps so much for its database. */
const DISK_FLOOR_BYTES = 64 * 1024 * 1024
/** Cached blocks give way when less than this share is free. */
const DISK_LOW_SHARE = 0.1
/** Servers refuse requests whose time is 15 minutes off; a minute says that the clock is not set. */
const SKEW_WARN_MS = 60_000
const SKEW_FAIL_MS = 15 * 60_000
/** First Linux with what the mount needs: FUSE_CAP_NO_OPENDIR_SUPPORT and stable invalidation. */
const KERNEL_MIN = [5, 4] as const
/** A file that waits longer than this without an offline network is worth a look. */
const STUCK_MS = 3_600_000

export function judge(facts: DoctorFacts): Check[] {
  return [
    ...computerChecks(facts),
    ...dataChecks(facts),
    ...engineChecks(facts),
    ...facts.endpoints.flatMap((endpoint) => [
      ...endpointChecks(endpoint),
      ...protectionChecks(endpoint),
    ]),
  ]
}

const ok = (name: string, what: string): Check => ({ name, verdict: 'ok', what })
const warn = (name: string, what: string, todo: string): Check => ({
  name,
  verdict: 'warn',
  what,
  todo,
})
const fail = (name: string, what: string, todo: string): Check => ({
  name,
  verdict: 'fail',
  what,
  todo,
})

function computerChecks(facts: DoctorFacts): Check[] {
  const { fuse, hasFusermount, isRoot, kernel, staleMounts } = facts
  const checks: Check[] = [kernelCheck(facts.platform, kernel)]
  if (fuse === 'missing') {
    checks.push(fail('fuse', '/dev/fuse is missing', 'Load the kernel module: modprobe fuse.'))
  } else if (fuse === 'forbidden') {
    checks.push(
      fail(
        'fuse',
        'this user may not open /dev/fuse',
        'Set its mode to 666, as systems usually do.',
      ),
    )
  } else checks.push(ok('fuse', '/dev/fuse can be opened'))
  if (hasFusermount) checks.push(ok('fusermount3', 'fusermount3 is installed'))
  else if (isRoot) checks.push(ok('fusermount3', 'not installed; root needs none'))
  else {
    checks.push(fail('fusermount3', 'fusermount3 is missing', 'Install the package fuse3.'))
  }
  if (staleMounts.length === 0) checks.push(ok('stale mounts', 'none'))
  for (const dir of staleMounts) {
    const todo = `Run pail unmount ${dir}, or mount it again.`
    checks.push(warn('stale mounts', `the engine of ${dir} is gone`, todo))
  }
  return checks
}

function kernelCheck(platform: string, kernel: string): Check {
  const what = `${platform} ${kernel}`
  if (platform !== 'linux')
    return fail('kernel', what, 'Use Linux: other systems cannot mount yet.')
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  const isOld = major < KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor < KERNEL_MIN[1])
  if (isOld) return warn('kernel', what, `Use Linux ${KERNEL_MIN.join('.')} or newer.`)
  return ok('kernel', what)
}

function dataChecks({ dataDir, disk }: DoctorFacts): Check[] {
  const { path } = dataDir
  const checks: Check[] = []
  if (!dataDir.exists) checks.push(ok('data folder', `${path} is made with the first mount`))
  else if (!dataDir.isOwn) {
    checks.push(fail('data folder', `${path} is another user’s`, 'Choose one with --data-dir.'))
  } else if (!dataDir.isWritable) {
    checks.push(fail('data folder', `${path} cannot be written`, `Run chmod u+rwx ${path}.`))
  } else if (!dataDir.isPrivate) {
    checks.push(fail('data folder', `${path} can be read by others`, `Run chmod 700 ${path}.`))
  } else checks.push(ok('data folder', `${path} is private and can be written`))
  checks.push(diskCheck(disk))
  return checks
}

function diskCheck({ freeBytes, totalBytes }: DoctorFacts['disk']): Check {
  const what = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`
  if (freeBytes < DISK_FLOOR_BYTES) {
    return fail('disk', what, 'Free space: programs cannot save anything now.')
  }
  if (freeBytes < totalBytes * DISK_LOW_SHARE) {
    return warn('disk', what, 'Free space: little is kept in the cache while the disk is so full.')
  }
  return ok('disk', what)
}

function engineChecks({ engine, nowMs }: DoctorFacts): Check[] {
  if (engine.state === 'none') return [ok('engine', 'none is running, and none has work')]
  if (engine.state === 'silent') {
    const todo = 'See engine.log in the data folder; end the engine’s process and mount again.'
    return [fail('engine', `it does not answer: ${engine.because}`, todo)]
  }
  const { status, check } = engine
  const { version, pid, residentBytes } = status.engine
  const memory = formatBytes(residentBytes)
  return [
    ok('engine', `version ${version}, process ${pid}, ${memory} of memory`),
    check.problems.length === 0
      ? ok('database', 'the integrity check finds nothing')
      : fail('database', check.problems.join('; '), 'Keep the data folder and report this.'),
    journalCheck(status, check, nowMs),
    ...status.mounts.map((mount) => mountCheck(mount, status)),
  ]
}

function journalCheck({ sync }: StatusView, check: DatabaseFacts, nowMs: number): Check {
  const { counts, verdict } = sync
  const needing = counts.failed + counts.conflicts
  if (needing > 0) {
    const todo = 'See pail status and pail conflicts; then pail retry.'
    return fail('uploads', verdict.sentence, todo)
  }
  if (counts.pendingFiles === 0) return ok('uploads', verdict.sentence)
  const ageMs = check.oldestPendingMs === undefined ? 0 : nowMs - check.oldestPendingMs
  if (sync.isPaused) return warn('uploads', `${verdict.sentence}; paused`, 'Run pail resume.')
  if (sync.isWorkingOffline) {
    return warn('uploads', `${verdict.sentence}; working offline`, 'Run pail offline off.')
  }
  if (ageMs < STUCK_MS) return ok('uploads', verdict.sentence)
  const what = `${verdict.sentence}; the oldest failed ${formatDuration(ageMs)} ago`
  return warn('uploads', what, 'See pail status; run pail retry.')
}

function mountCheck(mount: StatusView['mounts'][number], status: StatusView): Check {
  const name = `mount ${mount.dir}`
  const counted = status.requests?.find(({ endpointUrl }) => endpointUrl === mount.endpointUrl)
  const asked = counted
    ? `${formatCount(counted.month.list, 'list request')} this month`
    : 'requests are not counted'
  if (mount.state === 'mounted') {
    return ok(name, `the server accepts the keys for bucket ${mount.bucket}; ${asked}`)
  }
  const todo = mount.reason ?? 'Unmount it and mount it again.'
  const isWaiting = mount.state === 'offline' || mount.state === 'starting'
  return isWaiting ? warn(name, mount.state, todo) : fail(name, mount.state, todo)
}

function endpointChecks({ url, dnsError, connectError, skewMs }: EndpointFacts): Check[] {
  const name = `server ${url}`
  if (dnsError !== undefined) {
    const todo = 'Check the address and the network.'
    return [fail(name, `its name has no address (${dnsError})`, todo)]
  }
  if (connectError?.isTls) {
    const todo = 'Check the address; a proxy or captive portal may answer in its place.'
    return [fail(name, `its certificate is not trusted (${connectError.code})`, todo)]
  }
  if (connectError) {
    return [fail(name, `it does not answer (${connectError.code})`, 'Check address and network.')]
  }
  if (skewMs === undefined || Math.abs(skewMs) < SKEW_WARN_MS) {
    return [ok(name, 'it answers, and the clocks agree')]
  }
  const what = `this clock is ${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}`
  const todo = 'Set this computer’s clock, best by NTP.'
  return [Math.abs(skewMs) >= SKEW_FAIL_MS ? fail(name, what, todo) : warn(name, what, todo)]
}

function protectionChecks({ url }: EndpointFacts): Check[] {
  if (!isUnprotected(url)) return []
  return [warn(`server ${url}`, `unprotected. ${UNPROTECTED_SENTENCE}`, UNPROTECTED_TODO)]
}
