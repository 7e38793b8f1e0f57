/**
 * What the engine process may see of our environment. Pure.
 *
 * Never: lets through a variable that is not named here; `AWS_*` and the like stay out.
 */

/** Reads of /dev/fuse block pool threads, and the pool is per process. */
const ENGINE_POOL_THREADS = 16

const PASSED_ON = [
  'APPDATA',
  'HOME',
  'LANG',
  'LC_ALL',
  'LOCALAPPDATA',
  'LOGNAME',
  'NODE_EXTRA_CA_CERTS',
  'PATH',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'SystemRoot',
  'TEMP',
  'TMPDIR',
  'TZ',
  'USER',
  'USERPROFILE',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
] as const

export type Environment = Readonly<Record<string, string | undefined>>

export function engineEnvironment(ours: Environment, dataDir: string): Record<string, string> {
  const theirs: Record<string, string> = {
    PAIL_DATA_DIR: dataDir,
    UV_THREADPOOL_SIZE: String(ENGINE_POOL_THREADS),
  }
  for (const name of PASSED_ON) {
    const value = ours[name]
    if (value !== undefined) theirs[name] = value
  }
  return theirs
}
