/** Where the engine keeps its things, and that nobody else can. */
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDataDir, resolveDataDir } from '../../../engine/mounts/data-dir.ts'
import { temporaryFolder } from '../../support/folder.ts'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const untrusted = expect.objectContaining({ code: 'store/data-folder' })

describe('Data folder', () => {
  test('an explicit one wins over PAIL_DATA_DIR, which wins over the system’s place', () => {
    expect(resolveDataDir('/x', { PAIL_DATA_DIR: '/y' })).toBe('/x')
    expect(resolveDataDir(undefined, { PAIL_DATA_DIR: '/y' })).toBe('/y')
    expect(resolveDataDir(undefined, {})).toMatch(/\/pail$/)
    expect(() => resolveDataDir('', {})).toThrow()
  })

  test('is made for its owner alone, with what belongs in it', () => {
    const path = join(temporaryFolder(), 'deep', 'data')
    const layout = openDataDir(path)
    expect(layout.path).toBe(path)
    expect(layout.socketFile).toBe(join(path, 'engine.sock'))
    for (const folder of [path, layout.cacheDir, layout.stagingDir]) {
      expect(modeOf(folder)).toBe('700')
    }
  })

  test('is closed to others when it is ours and was open', () => {
    const path = join(temporaryFolder(), 'data')
    mkdirSync(path)
    chmodSync(path, 0o777)
    openDataDir(path)
    expect(modeOf(path)).toBe('700')
  })

  test('is refused when it is a link, a file, or could be exchanged by others', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'open'))
    chmodSync(join(folder, 'open'), 0o777)
    expect(() => openDataDir(join(folder, 'link'))).toThrow(untrusted)
    expect(() => openDataDir(join(folder, 'file'))).toThrow()
    expect(() => openDataDir(join(folder, 'open', 'data'))).toThrow(untrusted)
  })

  test.runIf(process.getuid?.() === 0)('is refused when another user owns it', () => {
    const path = join(temporaryFolder(), 'data')
    mkdirSync(path)
    chownSync(path, 65534, 65534)
    expect(() => openDataDir(path)).toThrow(untrusted)
  })
})
