/** A database that a program has open: named, with the program, and sent when it is closed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { PathState } from '../../shared/sync-model.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const KEEPS_OPEN = `
import os, sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute('CREATE TABLE t (n INTEGER)')
base.execute('INSERT INTO t VALUES (1)')
base.commit()
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
os.write(log, b'a line')
print('open', flush=True)
sys.stdin.readline()
base.close()
os.close(log)
print('closed', flush=True)
`

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

async function stateOf(mount: PailHome, name: string) {
  const { stdout } = await mount.pail.run(['status', '--json', mount.path(name)])
  const state = JSON.parse(stdout) as PathState
  if (state.kind !== 'file') throw new Error(`no file: ${stdout}`)
  return state.state
}

test('says that it is one, which program has it, and that it is sent when it is closed', async () => {
  await s3.createBucket('open-database')
  const mount = await pailMount({ server, bucket: 'open-database' })
  const paths = [mount.path('runs'), mount.path('notes')]
  const program = spawn('python3', ['-c', KEEPS_OPEN, ...paths])
  onTestFinished(() => {
    program.kill('SIGKILL')
  })
  expect(String((await once(program.stdout, 'data'))[0])).toContain('open')

  const label = /^Open database: sent when it is closed\. python3\S* has it open\.$/
  const database = await stateOf(mount, 'runs')
  expect(database).toMatchObject({ badge: 'waiting', nextTry: { when: 'closed' } })
  expect(database.reason).toMatch(label)
  expect((await stateOf(mount, 'notes')).reason).toMatch(
    /^python3\S* has it open; it is sent when it is closed\.$/,
  )
  const { stdout } = await mount.pail.run(['status', mount.path('runs')])
  expect(stdout).toContain('Open database')
  const { sync } = await mount.status()
  expect(sync.queue.entries.find(({ path }) => path === 'runs')?.reason).toMatch(label)
  expect(await s3.head('open-database', 'runs')).toBeUndefined()

  const closed = once(program.stdout, 'data')
  program.stdin.write('\n')
  await closed
  await mount.flush()
  const bytes = await fs.readFile(mount.path('runs'))
  expect((await s3.head('open-database', 'runs'))?.sizeBytes).toBe(bytes.length)
  expect((await stateOf(mount, 'runs')).badge).toBe('local')
})
