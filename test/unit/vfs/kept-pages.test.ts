import { describe, expect, test } from 'vitest'
import { KEPT_FILES_MAX, KeptPages } from '../../../engine/vfs/kept-pages.ts'

const data = { type: 'data', id: 7, parent: 1, name: 'f' } as const

describe('Pages of a file stay in the kernel from one open to the next', () => {
  test('when nothing changed in between, or only by this kernel itself', () => {
    const kept = new KeptPages()
    expect(kept.open(7)).toBe(false)
    expect(kept.open(7)).toBe(true)
    kept.note([{ ...data, origin: 'here' }], 'here')
    expect(kept.open(7)).toBe(true)
  })

  test('but not when another client or another mount changed it, or it is gone', () => {
    const kept = new KeptPages()
    kept.open(7)
    kept.note([{ ...data, origin: 'remote' }], 'here')
    expect(kept.open(7)).toBe(false)
    kept.note([{ ...data, type: 'removed', origin: 'here' }], 'here')
    expect(kept.open(7)).toBe(false)
  })

  test('for the files opened last, when there are more than can be remembered', () => {
    const kept = new KeptPages()
    for (let id = 0; id <= KEPT_FILES_MAX; id++) kept.open(id)
    expect(kept.open(KEPT_FILES_MAX)).toBe(true)
    expect(kept.open(0)).toBe(false)
  })
})
