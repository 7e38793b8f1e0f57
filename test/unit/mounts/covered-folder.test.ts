import * as fs from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CoveredFolder,
  lockedMode,
  ownMode,
  unlockFolder,
} from '../../../engine/mounts/covered-folder.ts'
import { temporaryFolder } from '../../support/folder.ts'

const modeOf = async (dir: string) => (await fs.stat(dir)).mode & 0o7777

async function folderOf(mode: number): Promise<string> {
  const dir = temporaryFolder()
  await fs.chmod(dir, mode)
  return dir
}

const writable = fc.integer({ min: 0, max: 0o7777 }).map((mode) => mode | 0o200)

describe('The mode of a covered folder', () => {
  test('lets nobody write, and comes back as it was', () => {
    fc.assert(
      fc.property(writable, (mode) => {
        expect(lockedMode(mode) & 0o222).toBe(0)
        expect(ownMode(lockedMode(mode), mode)).toBe(mode)
        expect(ownMode(mode, undefined)).toBe(mode)
      }),
    )
  })

  test('lets its owner write again where it is not on record, or was changed since', () => {
    expect(ownMode(0o555, undefined)).toBe(0o755)
    expect(ownMode(0o500, undefined)).toBe(0o700)
    expect(ownMode(0o500, 0o775)).toBe(0o700)
    expect(ownMode(0o555, 0o775)).toBe(0o775)
  })
})

describe('A covered folder', () => {
  test('is locked while it is covered, and given back', async () => {
    const dir = await folderOf(0o775)
    const folder = await CoveredFolder.open(dir)
    expect(await modeOf(dir)).toBe(0o775)
    await folder?.lock()
    expect(await modeOf(dir)).toBe(0o555)
    await folder?.giveBack()
    expect(await modeOf(dir)).toBe(0o775)
  })

  test('that a crash left locked is writable for the next mount, and locked by it again', async () => {
    const dir = await folderOf(0o555)
    const folder = await CoveredFolder.open(dir, 0o775)
    expect(await modeOf(dir)).toBe(0o775)
    await folder?.abandon()
    expect(await modeOf(dir)).toBe(0o555)
    expect(await unlockFolder(dir)).toBe(true)
    expect(await modeOf(dir)).toBe(0o755)
  })

  test('whose mount failed is as it was', async () => {
    const dir = await folderOf(0o750)
    const folder = await CoveredFolder.open(dir)
    await folder?.abandon()
    expect(await modeOf(dir)).toBe(0o750)
  })

  test('in whose place another one was put is left alone', async () => {
    const dir = await folderOf(0o755)
    const folder = await CoveredFolder.open(dir)
    await folder?.lock()
    await fs.rename(dir, `${dir}-away`)
    await fs.mkdir(dir)
    await fs.chmod(dir, 0o555)
    await folder?.giveBack()
    expect(await modeOf(dir)).toBe(0o555)
    await fs.rmdir(`${dir}-away`)
  })

  test('whose mode a person changed meanwhile keeps that one', async () => {
    const dir = await folderOf(0o755)
    const folder = await CoveredFolder.open(dir)
    await folder?.lock()
    await fs.chmod(dir, 0o711)
    await folder?.giveBack()
    expect(await modeOf(dir)).toBe(0o711)
  })

  test('that is none is told', async () => {
    const dir = temporaryFolder()
    expect(await CoveredFolder.open(`${dir}/absent`)).toBeUndefined()
    expect(await unlockFolder(`${dir}/absent`)).toBe(false)
  })
})
