import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { foundName, moveFoundFiles } from '../../../engine/mounts/found-files.ts'
import { RealMountPointSystem } from '../../../engine/mounts/mount-point-system.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 9, 31)

describe('Files found in the bare folder under a mount point', () => {
  test('are moved beside it, whole, and another time beside those', async () => {
    const root = mkdtempSync(join(tmpdir(), 'pail-found-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    const dir = join(root, 'results')
    const system = new RealMountPointSystem(new SystemClock())
    for (const count of [1, 2]) {
      mkdirSync(join(dir, 'sub'), { recursive: true })
      writeFileSync(join(dir, 'a.txt'), `a${count}`)
      writeFileSync(join(dir, 'sub', 'b'), 'b')
      const found = await moveFoundFiles(dir, NOW_MS, system)
      expect(found).toEqual({ dir: join(root, foundName('results', NOW_MS, count)), count: 2 })
      expect(readdirSync(dir)).toEqual([])
      expect(readFileSync(join(found.dir, 'a.txt'), 'utf8')).toBe(`a${count}`)
      expect(readdirSync(join(found.dir, 'sub'))).toEqual(['b'])
    }
  })

  test('go to a folder whose name says what it is', () => {
    expect(foundName('results', NOW_MS, 1)).toBe('results (found 2026-11-21 0931)')
    expect(foundName('results', NOW_MS, 2)).toBe('results (found 2026-11-21 0931 2)')
  })
})
