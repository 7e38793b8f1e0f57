/**
 * What a test run left behind on this computer: mounts below its folder, and processes.
 *
 * Never: touches anything of another run. A process is ours when its environment or its arguments
 * name the run's folder: everything is started with TMPDIR there.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server or browser that was told to end may take a moment. */
const GRACE_MS = 5_000
const POLL_MS = 100

/**
 * Ends what is left and names it.
 * @param {string} runFolder
 * @param {number} [graceMs]
 * @returns {Promise<string[]>}
 */
export async function endLeftovers(runFolder, graceMs = GRACE_MS) {
  if (process.platform !== 'linux') return []
  const deadline = performance.now() + graceMs
  while (performance.now() < deadline && processesOf(runFolder).length > 0) await sleep(POLL_MS)
  const sentences = []
  for (const dir of mountsBelow(runFolder)) {
    sentences.push(`a mount at ${dir}`)
    spawnSync('umount', ['-l', dir])
  }
  for (const { pid, command } of processesOf(runFolder)) {
    sentences.push(`process ${pid}: ${command.slice(0, 200)}`)
    end(pid)
  }
  return sentences
}

/** @param {number} pid */
function end(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** @param {string} folder @returns {string[]} innermost first */
function mountsBelow(folder) {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((dir) => dir.startsWith(`${folder}/`))
    .reverse()
}

/** The kernel writes a space in a path as \040. @param {string} text */
function unescapeOctal(text) {
  return text.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}

/** @param {string} runFolder */
function processesOf(runFolder) {
  /** @param {string} file */
  const names = (file) => readProc(file).includes(runFolder)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => names(`/proc/${name}/environ`) || names(`/proc/${name}/cmdline`))
    .map((name) => ({
      pid: Number(name),
      command: readProc(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
    }))
    .filter(({ command }) => command !== '')
}

/** @param {string} path */
function readProc(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
