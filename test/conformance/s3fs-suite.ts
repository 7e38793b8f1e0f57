/**
 * Runs s3fs's own integration tests (test/integration-test-main.sh of its sources) in a mounted
 * folder, from a checkout that the user names, and reads what they say.
 *
 * Keeps: the checkout is only read; what is compiled and written lies beside the mount.
 */
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { MountedServer, PailHome } from '../support/pail-mount.ts'
import { buildPjdfstest } from './c-pjdfstest.ts'
import type { Checkouts } from './checkouts.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 256 << 20
const PROGRAM = process.env.TRY_PAIL ?? resolve(import.meta.dirname, '../../bin/pail')

/** Small programs of the suite, each of one C++ source. */
const HELPERS = [
  'junk_data',
  'write_multiblock',
  'mknod_test',
  'truncate_read_file',
  'path_truncate',
  'cr_filename',
  'unlink_open_file',
]

/**
 * The suite looks into the bucket beside the mount. s3fs uploads while it closes a file; Pail says
 * when it has uploaded (`flush --wait`), and looks anew when asked to (`refresh`). The header is one
 * that curl before 8 forgets and servers ask for.
 */
const BESIDE_THE_MOUNT = `
eval "plain_$(declare -f s3_head)"
eval "plain_$(declare -f s3_cp)"
function pail_refresh() {
    local path="\${TEST_BUCKET_MOUNT_POINT_1}" part
    "\${PAIL}" refresh "\${path}" >&2 || true
    while IFS= read -r -d / part; do
        path="\${path}/\${part}"
        if [ -d "\${path}" ]; then "\${PAIL}" refresh "\${path}" >&2 || true; fi
    done <<< "\${1#"\${TEST_BUCKET_1}/"}"
}
function s3_head() {
    "\${PAIL}" flush --wait --timeout 60 >&2
    plain_s3_head "$@" --header "x-amz-content-sha256: UNSIGNED-PAYLOAD"
}
function s3_cp() {
    "\${PAIL}" flush --wait --timeout 60 >&2
    plain_s3_cp "$@" --header "x-amz-content-sha256: UNSIGNED-PAYLOAD"
    pail_refresh "$1"
}
`

/** The script itself, in one stream. */
const RUNNER = 'exec 2>&1; source integration-test-main.sh'

type SuiteCase = { readonly isPassed: boolean; readonly output: string }
export type SuiteReport = ReadonlyMap<string, SuiteCase>

/** Puts the suite beside the mount, where its tests look for their programs. */
export async function prepareS3fsSuite(checkouts: Checkouts, home: string): Promise<void> {
  const source = join(checkouts.s3fs, 'test')
  for (const name of ['test-utils.sh', 'integration-test-main.sh']) {
    await cp(join(source, name), join(home, name))
  }
  await appendFile(join(home, 'test-utils.sh'), BESIDE_THE_MOUNT)
  await mkdir(join(home, 'tmp'), { recursive: true })
  for (const name of HELPERS) {
    const program = ['-o', join(home, name), join(source, `${name}.cc`)]
    await run('g++', ['-std=c++14', '-O1', ...program])
  }
  await buildPjdfstest(checkouts.pjdfstest, join(home, 'pjdfstest'))
}

type SuiteRun = {
  readonly mount: PailHome
  readonly server: MountedServer
  readonly bucket: string
}

export async function runS3fsSuite({ mount, server, bucket }: SuiteRun): Promise<SuiteReport> {
  const env = {
    PATH: process.env.PATH,
    HOME: mount.home,
    TMPDIR: join(mount.home, 'tmp'),
    PAIL: PROGRAM,
    PAIL_DATA_DIR: mount.dataDir,
    TEST_BUCKET_1: bucket,
    TEST_BUCKET_MOUNT_POINT_1: mount.dir,
    S3_URL: server.url,
    S3_ENDPOINT: 'us-east-1',
    S3PROXY_CACERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    S3FS_PID: String(mount.enginePid()),
  }
  const options = { cwd: mount.home, env, maxBuffer: OUTPUT_BYTES_MAX }
  try {
    return parseSuiteReport((await run('bash', ['-c', RUNNER], options)).stdout)
  } catch (thrown) {
    // It ends with 1 when a test fails; its output tells which.
    const { stdout = '' } = thrown as { stdout?: string }
    const report = parseSuiteReport(stdout)
    if (report.size === 0) throw thrown
    return report
  }
}

/** Each test ends with a line `NAME passed` or `NAME failed`; what stands before it is its own. */
export function parseSuiteReport(output: string): SuiteReport {
  const cases = new Map<string, SuiteCase>()
  let lines: string[] = []
  for (const line of output.split('\n')) {
    const [, name, result] = /^(test_\w+) (passed|failed)$/.exec(line) ?? []
    if (name === undefined) lines.push(line)
    else {
      cases.set(name, { isPassed: result === 'passed', output: lines.join('\n') })
      lines = []
    }
  }
  return cases
}
