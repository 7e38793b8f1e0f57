/** The extension is Python: its functions are asked by the interpreter itself. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BADGE_WORDS } from '../../../shared/sync-states.ts'

const FOLDER = resolve(import.meta.dirname, '../../../integrations/nautilus')

/** Runs statements after the extension was loaded. @returns what they print, as JSON */
function python(statements: string): unknown {
  const program = `import json, sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, ${JSON.stringify(FOLDER)})\nimport pail_nautilus as p\n${statements}`
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

describe('The extension of GNOME Files', () => {
  test('has an emblem for every badge, and none for files that stay here', () => {
    const emblems = python('print(json.dumps(p.EMBLEMS))') as Record<string, string | null>
    expect(Object.keys(emblems).sort()).toEqual(Object.keys(BADGE_WORDS).sort())
    for (const [badge, emblem] of Object.entries(emblems)) {
      if (badge === 'none') expect(emblem).toBeNull()
      else expect(emblem, badge).toMatch(/^emblem-/)
    }
    expect(python('print(json.dumps(p.emblem_of("of a newer version")))')).toBeNull()
  })

  test('touches only what lies in folders of Pail', () => {
    const table = [
      '21 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '50 21 0:51 / /home/ada/my\\\\040bucket rw - fuse.pail pail:data rw',
      '51 21 0:52 / /mnt/other rw - fuse.sshfs host: rw',
    ].join('\\n')
    const folders = python(`print(json.dumps(p.pail_folders("${table}")))`)
    expect(folders).toEqual(['/home/ada/my bucket'])
    const below = (path: string) =>
      python(`print(json.dumps(p.is_below(${JSON.stringify(path)}, ["/home/ada/my bucket"])))`)
    expect(below('/home/ada/my bucket/a')).toBe(true)
    expect(below('/home/ada/my bucket 2/a')).toBe(false)
    expect(python('print(json.dumps(p.path_of("file:///a%20b/c")))')).toBe('/a b/c')
    expect(python('print(json.dumps(p.path_of("sftp://host/c")))')).toBeNull()
  })

  test('says nothing of a file that has no badge', () => {
    expect(python('print(json.dumps(p.badge_of("/proc/self/stat")))')).toBeNull()
  })
})
