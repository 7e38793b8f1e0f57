/** Starts a program of the system on its own: argument list, no shell, no inherited handles. */
import { spawn } from 'node:child_process'
import { PailError } from '../shared/errors.ts'

/** @throws PailError `folder/no-file-manager` when the program is not installed */
export function launchDetached(program: string, argv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...argv], { detached: true, stdio: 'ignore', shell: false })
    child.once('spawn', () => {
      child.unref()
      resolve()
    })
    child.once('error', (cause) => {
      reject(new PailError('folder/no-file-manager', cause.message, { program }, cause))
    })
  })
}
