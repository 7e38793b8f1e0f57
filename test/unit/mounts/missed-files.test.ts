import { describe, expect, test } from 'vitest'
import { MissedFiles, TOLD_MAX } from '../../../engine/mounts/missed-files.ts'

const missed = (path: string, why: 'network' | 'archived' = 'network', atMs = 0) => ({
  ...{ path, why, atMs },
})

describe('Files that programs could not have', () => {
  test('are told once for each pause of the network', () => {
    const files = new MissedFiles()
    expect(files.note(missed('/a'), 0)).toBe(true)
    expect(files.note(missed('/a'), 0)).toBe(false)
    expect(files.note(missed('/b'), 0)).toBe(true)
    expect(files.note(missed('/a'), 1)).toBe(true)
    expect(files.note(missed('/a'), 1)).toBe(false)
  })

  test('are shown with the last time, the newest first', () => {
    const files = new MissedFiles()
    for (const [path, atMs] of [
      ['/a', 1],
      ['/b', 2],
      ['/a', 3],
    ] as const) {
      files.note(missed(path, 'network', atMs), 0)
    }
    expect(files.shown.map(({ path, atMs }) => [path, atMs])).toEqual([
      ['/a', 3],
      ['/b', 2],
    ])
  })

  test('are told each time when they are archived, until they can be read', () => {
    const files = new MissedFiles()
    expect(files.note(missed('/a', 'archived'), 0)).toBe(true)
    expect(files.note(missed('/a', 'archived'), 0)).toBe(true)
    files.note(missed('/b'), 0)
    files.forgetArchived()
    expect(files.shown.map(({ path }) => path)).toEqual(['/b'])
  })

  test('take bounded memory: of very many the first ones are told again', () => {
    const files = new MissedFiles()
    for (let index = 0; index <= TOLD_MAX; index++) files.note(missed(`/${index}`), 0)
    expect(files.note(missed(`/${TOLD_MAX}`), 0)).toBe(false)
    expect(files.note(missed('/1'), 0)).toBe(false)
    expect(files.note(missed('/0'), 0)).toBe(true)
  })
})
