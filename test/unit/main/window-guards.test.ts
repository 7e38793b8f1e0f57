import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { contentSecurityPolicy, fileOf, serveAppFile } from '../../../main/app-protocol.ts'
import { dispatch } from '../../../main/dispatch.ts'
import { windowHandlers } from '../../../main/handlers.ts'
import { WireErrorSchema } from '../../../shared/model.ts'
import { WINDOW_CALLS } from '../../../shared/window-names.ts'
import { CONNECTION, SECRET, setUpDesktop } from './desktop-fakes.ts'

const OURS = { url: 'app://pail/index.html', parent: null }
const INFO = { version: '0.1.0', runtime: 'test', dataDir: '/d' }

function setUp() {
  const bench = setUpDesktop()
  bench.supervisor.start()
  const status = () => bench.board.read()
  return {
    ...bench,
    handlers: windowHandlers({ ...bench, engine: bench.supervisor, status, info: INFO }),
  }
}

describe('the bridge', () => {
  test('refuses every call from a foreign page, a frame inside ours, and no frame at all', async () => {
    const { handlers, links } = setUp()
    const foreign = [
      { url: 'https://example.org/', parent: null },
      { url: 'app://pail.example.org/', parent: null },
      { url: 'app://other/index.html', parent: null },
      { url: 'about:blank', parent: null },
      { url: 'file:///tmp/index.html', parent: null },
      { url: 'app://pail/index.html', parent: OURS },
      null,
      undefined,
    ]
    for (const sender of foreign) {
      for (const call of WINDOW_CALLS) {
        const reply = await dispatch(handlers, { call, input: {}, sender }, () => {})
        expect(reply, `${call} from ${sender?.url}`).toMatchObject({ ok: false })
      }
    }
    expect(links[0]?.calls.filter(({ call }) => call !== 'engine/status') ?? []).toEqual([])
  })

  test('answers any input with a value that the contract knows', async () => {
    const { handlers } = setUp()
    const anyCall = fc.constantFrom(...WINDOW_CALLS)
    await fc.assert(
      fc.asyncProperty(anyCall, fc.anything(), async (call, input) => {
        const reply = await dispatch(handlers, { call, input, sender: OURS }, () => {})
        if (!reply.ok) expect(WireErrorSchema.safeParse(reply.error).success).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('says which field is wrong without repeating what was typed', async () => {
    const { handlers } = setUp()
    const input = { ...CONNECTION, name: '', secretAccessKey: SECRET.repeat(100) }
    const request = { call: 'connections/add' as const, input, sender: OURS }
    const reply = await dispatch(handlers, request, () => {})
    expect(JSON.stringify(reply)).toContain('secretAccessKey')
    expect(JSON.stringify(reply)).not.toContain(SECRET)
  })

  test('opens only folders that are in the list, by a program of its own', async () => {
    const { handlers, launched, connections, mounts } = setUp()
    const { id } = await connections.add(CONNECTION)
    const dir = '/home/ana/Pail/$(touch x) --help'
    await mounts.start({ connectionId: id, bucket: 'b', subpath: '', dir, readOnly: false })
    const open = (target: string) =>
      dispatch(handlers, { call: 'folders/open', input: { dir: target }, sender: OURS }, () => {})
    expect(await open('/etc')).toMatchObject({ ok: false })
    expect(await open(dir)).toMatchObject({ ok: true })
    expect(launched).toEqual([['xdg-open', [dir]]])
  })

  test('suggests a free folder below ~/Pail, whatever the bucket is called', async () => {
    const { folders } = setUp()
    expect(folders.suggest('data', [])).toBe('/home/ana/Pail/data')
    expect(folders.suggest('data', ['/home/ana/Pail/data'])).toBe('/home/ana/Pail/data-2')
    for (const bucket of ['../../etc', '/etc', '..', '.ssh', 'a/b\\c', '']) {
      expect(folders.suggest(bucket, []), bucket).toMatch(/^\/home\/ana\/Pail\/[^/.][^/]*$/)
    }
  })
})

describe('app://', () => {
  let root = ''
  afterEach(() => rm(root, { recursive: true, force: true }))

  test('serves nothing outside its folder', async () => {
    const inside = (url: string) => fileOf('/app/renderer', url)
    expect(inside('app://pail/')).toBe('/app/renderer/index.html')
    expect(inside('app://pail/assets/a.js')).toBe('/app/renderer/assets/a.js')
    expect(inside('app://other/index.html')).toBeUndefined()
    expect(inside('https://pail/index.html')).toBeUndefined()
    expect(inside('not a url')).toBeUndefined()
    const attempts = ['%2e%2e/secret', '..%2f..%2fetc/passwd', '%5c..%5c..', 'a%00.js', '%', '..']
    for (const attempt of attempts) {
      const file = inside(`app://pail/${attempt}`)
      expect(file === undefined || file.startsWith('/app/renderer/'), attempt).toBe(true)
    }
    expect(inside('app://pail/..%2f..%2fetc/passwd')).toBeUndefined()
  })

  test('gives every load a nonce of its own, in header and page alike', async () => {
    root = await mkdtemp(join(tmpdir(), 'pail-app-protocol-'))
    await writeFile(join(root, 'index.html'), '<meta name="style-nonce" content="%STYLE_NONCE%">')
    const first = await serveAppFile(root, 'app://pail/index.html')
    const second = await serveAppFile(root, 'app://pail/index.html')
    const nonce = /'nonce-([^']+)'/.exec(first.headers.get('Content-Security-Policy') ?? '')?.[1]
    expect(await first.text()).toContain(`content="${nonce}"`)
    expect(second.headers.get('Content-Security-Policy')).not.toContain(nonce)
    expect((await serveAppFile(root, 'app://pail/missing.js')).status).toBe(404)
  })

  test('allows nothing unsafe', () => {
    const policy = contentSecurityPolicy('n')
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toContain('*')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("connect-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
  })
})
