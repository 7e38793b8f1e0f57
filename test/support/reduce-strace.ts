/** `tsx test/support/reduce-strace.ts FOLDER RECORDING`: what RECORDING/t.* did in FOLDER, on stdout. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { formatSteps, parseCalls, TraceReducer } from './strace.ts'

const [folder = '.', recording = '.'] = process.argv.slice(2)
const calls = readdirSync(recording).flatMap((name) => {
  const pid = /\.(\d+)$/.exec(name)?.[1]
  return pid === undefined
    ? []
    : parseCalls(Number(pid), readFileSync(join(recording, name), 'utf8'))
})
calls.sort((a, b) => a.time - b.time)
process.stdout.write(formatSteps(new TraceReducer(resolve(folder)).reduce(calls)))
