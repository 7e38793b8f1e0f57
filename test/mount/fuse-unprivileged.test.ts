import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildFuseChild, ServedFolder } from '../support/served-folder.ts'
import {
  folderOf,
  ordinaryUser,
  runBeside,
  type User,
  withOpenFuse,
} from '../support/unprivileged.ts'

let bundle = ''
let user: User = { uid: -1, gid: -1 }
const opened: ServedFolder[] = []

beforeAll(async () => {
  bundle = await buildFuseChild()
  user = await ordinaryUser()
})

afterEach(async () => {
  for (const served of opened.splice(0)) await served.close()
})

afterAll(() => rm(bundle, { recursive: true, force: true }))

async function start(dir: string, ...more: string[]): Promise<ServedFolder> {
  const child = join(bundle, 'fuse-child.mjs')
  const served = new ServedFolder(dir, withOpenFuse(user, process.execPath, [child, dir, ...more]))
  opened.push(served)
  return served
}

describe('A user who is not root', () => {
  test('mounts, uses and unmounts a folder through fusermount3', async () => {
    const dir = await folderOf(user, 'pail-user-')
    const served = await start(dir)
    await served.expectReady()
    const pid = served.process.pid ?? -1
    const output = await runBeside(
      user,
      pid,
      `cd ${dir}; echo hello > a; mkdir d; mv a d/b; cat d/b; stat -c '%u %a' d/b; id -u
       grep ${dir} /proc/self/mounts`,
    )
    const [text, owner, id, mounted] = output.split('\n')
    expect(text).toBe('hello')
    expect(owner).toBe(`${user.uid} 644`)
    expect(id).toBe(String(user.uid))
    expect(mounted).toContain('pail:test-bucket/with,\\040comma')
    expect(mounted).toMatch(/fuse\.pail .*nosuid,nodev.*default_permissions/)
    expect(await served.ask({ do: 'unmount', force: false })).toMatchObject({ ended: true })
    expect(await served.exited()).toBe(0)
  })

  test('cannot write into the bare folder when the mount went away, and mounts on it again', async () => {
    const dir = await folderOf(user, 'pail-user-')
    const bare = `cd /; fusermount3 -u -z ${dir} 2> /dev/null || true; stat -c %a ${dir}; touch ${dir}/lost 2>&1 || true`
    const served = await start(dir, '--lock')
    await served.expectReady()
    await runBeside(user, served.process.pid ?? -1, `echo kept > ${dir}/kept; cat ${dir}/kept`)
    const output = await runBeside(user, served.process.pid ?? -1, bare)
    expect(output).toMatch(/^500\ntouch: .*Permission denied/)
    expect(await served.exited()).toBe(0)
    const again = await start(dir, '--lock')
    await again.expectReady()
    await again.ask({ do: 'unmount', force: false })
    expect(await again.exited()).toBe(0)
  })

  test('is told what the system says when it refuses the folder', async () => {
    const served = await start(await mkdtemp(join(tmpdir(), 'pail-root-only-')))
    const answer = await served.nextAnswer()
    expect(answer).toMatchObject({ error: 'mount/refused' })
    expect(answer.detail).toContain('fusermount3')
    expect(await served.exited()).toBe(1)
  })

  test('cannot look into the folder of somebody else', async () => {
    const dir = await folderOf(user, 'pail-user-')
    const served = await start(dir)
    await served.expectReady()
    const stranger = { uid: user.uid + 1000, gid: user.gid + 1000 }
    const looking = runBeside(stranger, served.process.pid ?? -1, `ls ${dir}`)
    await expect(looking).rejects.toThrow('Permission denied')
    await served.ask({ do: 'unmount', force: true })
    expect(await served.exited()).toBe(0)
  })
})
