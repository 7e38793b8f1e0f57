/**
 * What an engine process is started with, and what it may see of the caller's environment. Pure.
 *
 * Never: lets through a variable that is not named here; `AWS_*` and the like stay out.
 */

/** Reads of /dev/fuse block pool threads, and the pool is per process. */
export const ENGINE_POOL_THREADS = 16

/**
 * A small young generation: bodies and listings are short-lived, and collected sooner. What outlives
 * it may grow to twice what is alive before it is looked through; V8 alone waits for four times as
 * much, which was 60 MiB of garbage while 100,000 entries were listed.
 */
export const ENGINE_HEAP_FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=100'] as const

/**
 * Buffers are made by one thread of the pool and freed by another. glibc gives each thread an arena
 * that keeps what was freed, which came to 15 to 25 MiB under load.
 * @see mallopt(3), M_ARENA_MAX
 */
const MALLOC_ARENAS_MAX = 2

const PASSED_ON: ReadonlySet<string> = new Set([
  'HOME',
  'LANG',
  'LC_ALL',
  'LOGNAME',
  'NODE_EXTRA_CA_CERTS',
  'PATH',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'TZ',
  'USER',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
])

export function engineEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const theirs: Record<string, string> = {
    UV_THREADPOOL_SIZE: String(ENGINE_POOL_THREADS),
    MALLOC_ARENA_MAX: String(MALLOC_ARENAS_MAX),
  }
  for (const [name, value] of Object.entries(ours)) {
    if (value !== undefined && PASSED_ON.has(name)) theirs[name] = value
  }
  return theirs
}
