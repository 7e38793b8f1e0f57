/** Every `sh` block of docs/SEMANTICS.md runs in a mounted folder, as a person would type it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'semantics'
const PAGE = join(import.meta.dirname, '../../docs/SEMANTICS.md')
const EXAMPLE_MS_MAX = 60_000

type Example = { readonly heading: string; readonly script: string }

function examplesOf(page: string): Example[] {
  const examples: Example[] = []
  let heading = ''
  for (const part of page.split(/^(?=## |```)/m)) {
    heading = /^## (.*)/.exec(part)?.[1] ?? heading
    const script = /^```sh\n([\s\S]*)/.exec(part)?.[1]
    if (script !== undefined) examples.push({ heading, script })
  }
  return examples
}

let server: Versitygw
let mount: PailHome
let count = 0

beforeAll(async () => {
  server = await startVersitygw()
  await server.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  await server?.stop()
})

describe('docs/SEMANTICS.md', () => {
  const examples = examplesOf(readFileSync(PAGE, 'utf8'))

  test('has examples', () => {
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('is right about "$heading"', async ({ script }) => {
    const folder = mount.path(`example-${++count}`)
    await fs.mkdir(folder)
    const lines = script.split('\n').filter((line) => line.trim() !== '')
    for (const line of joined(lines)) {
      await run('bash', ['-ec', line], { cwd: folder, timeout: EXAMPLE_MS_MAX })
    }
  })
})

/** Lines that end in a backslash go on in the next one. A failing line is named by the failure. */
function joined(lines: readonly string[]): string[] {
  return lines.join('\n').replaceAll('\\\n', '').split('\n')
}
