/**
 * Asks this computer and the servers what `pail doctor` judges, each question with a time limit.
 *
 * Never: touches a path inside a mount; sends keys anywhere.
 */
import { lookup } from 'node:dns/promises'
import * as fs from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { platform, release } from 'node:os'
import { dirname } from 'node:path'
import { findStaleMounts } from '../../engine/mounts/mount-point.ts'
import { RealMountPointSystem } from '../../engine/mounts/mount-point-system.ts'
import { PailError } from '../../shared/errors.ts'
import { withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'
import type { DoctorFacts, EndpointFacts, EngineFacts } from './judge.ts'

const CONNECT_LIMIT_MS = 8_000
const ENGINE_WAIT_MS = 30_000
/** Servers asked; nobody has more, and a wrong list must not take minutes. */
const ENDPOINTS_MAX = 16
const FUSERMOUNTS = ['/usr/bin/fusermount3', '/bin/fusermount3', '/usr/local/bin/fusermount3']
const GROUP_AND_OTHERS = 0o077
const TLS_ERROR = /CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO/

export async function gatherFacts(dataDir: string, world: World): Promise<DoctorFacts> {
  const engine = await askEngine(dataDir, world)
  const mounted = engine.state === 'running' ? engine.status.mounts : []
  const stored = world.keychain.connections()
  const urls = new Set([...mounted, ...stored].map(({ endpointUrl }) => endpointUrl))
  return {
    nowMs: world.clock.nowMs(),
    platform: platform(),
    kernel: release(),
    isRoot: process.getuid?.() === 0,
    fuse: fuseState(),
    hasFusermount: FUSERMOUNTS.some((path) => fs.existsSync(path)),
    dataDir: dataDirFacts(dataDir),
    disk: await diskFacts(dataDir),
    staleMounts: await findStaleMounts(new RealMountPointSystem(world.clock)),
    engine,
    endpoints: await Promise.all(
      [...urls].slice(0, ENDPOINTS_MAX).map((url) => endpointFacts(url, world)),
    ),
  }
}

/** Files may wait in a journal whose engine is gone: one is started to look at it. */
async function askEngine(dataDir: string, world: World): Promise<EngineFacts> {
  try {
    return await withEngine(dataDir, world, async (client) => {
      const limit = { timeoutMs: ENGINE_WAIT_MS }
      const status = await client.call('engine/status', {}, limit)
      return { state: 'running', status, check: await client.call('engine/check', {}, limit) }
    })
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code !== 'engine/not-running') return { state: 'silent', because: error.remedy }
    if (!world.hasData(dataDir)) return { state: 'none' }
    return askStarted(dataDir, world)
  }
}

async function askStarted(dataDir: string, world: World): Promise<EngineFacts> {
  try {
    const client = await world.connectOrStart(dataDir)
    try {
      const limit = { timeoutMs: ENGINE_WAIT_MS }
      const status = await client.call('engine/status', {}, limit)
      return { state: 'running', status, check: await client.call('engine/check', {}, limit) }
    } finally {
      client.close()
    }
  } catch (thrown) {
    return { state: 'silent', because: PailError.from(thrown).remedy }
  }
}

function fuseState(): DoctorFacts['fuse'] {
  try {
    fs.accessSync('/dev/fuse', fs.constants.R_OK | fs.constants.W_OK)
    return 'usable'
  } catch (thrown) {
    return codeOf(thrown) === 'ENOENT' ? 'missing' : 'forbidden'
  }
}

function dataDirFacts(path: string): DoctorFacts['dataDir'] {
  const stats = fs.statSync(path, { throwIfNoEntry: false })
  if (!stats) return { path, exists: false, isOwn: true, isPrivate: true, isWritable: true }
  let isWritable = true
  try {
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
  } catch {
    isWritable = false
  }
  const isOwn = stats.uid === (process.getuid?.() ?? stats.uid)
  return { path, exists: true, isOwn, isPrivate: (stats.mode & GROUP_AND_OTHERS) === 0, isWritable }
}

/** Of the disk that the data folder is on, or will be. */
async function diskFacts(path: string): Promise<DoctorFacts['disk']> {
  let folder = path
  while (!fs.existsSync(folder)) folder = dirname(folder)
  const { bavail, blocks, bsize } = await fs.promises.statfs(folder)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

async function endpointFacts(url: string, world: World): Promise<EndpointFacts> {
  const { hostname } = new URL(url)
  try {
    await lookup(hostname.replace(/^\[|\]$/g, ''))
  } catch (thrown) {
    return { url, dnsError: codeOf(thrown) }
  }
  try {
    const date = await dateOf(url)
    const serverMs = date === undefined ? Number.NaN : Date.parse(date)
    return Number.isNaN(serverMs) ? { url } : { url, skewMs: world.clock.nowMs() - serverMs }
  } catch (thrown) {
    const code = codeOf(thrown)
    return { url, connectError: { code, isTls: TLS_ERROR.test(code) } }
  }
}

/** Any answer will do, also a refusal: the server is there, and says what time it is. */
function dateOf(url: string): Promise<string | undefined> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(CONNECT_LIMIT_MS)
    const asked = request(url, { method: 'HEAD', signal, agent: false }, (reply) => {
      reply.resume()
      resolve(reply.headers.date)
    })
    asked.once('error', reject)
    asked.end()
  })
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
}
