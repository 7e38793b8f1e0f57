/**
 * Holds a lock on a file until it is ended: `flock`, `posix` (of the process) or `ofd` (of the open
 * file). It prints one line when it has the lock, or the name of the error.
 */
import * as fs from 'node:fs'
import { Flock, flock, lockRange, RecordLock } from './system-calls.ts'

const [path = '', kind = ''] = process.argv.slice(2)
const fd = fs.openSync(path, 'r+')
try {
  if (kind === 'flock') flock(fd, Flock.EXCLUSIVE | Flock.NOW)
  else {
    const command = kind === 'ofd' ? RecordLock.SET_OPEN : RecordLock.SET
    lockRange(fd, command, { type: RecordLock.WRITE, start: 100, lengthBytes: 50 })
  }
  process.stdout.write('held\n')
  process.stdin.resume()
} catch (thrown) {
  process.stdout.write(`${(thrown as NodeJS.ErrnoException).code}\n`)
}
