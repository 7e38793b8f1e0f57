import { describe, expect, test } from 'vitest'
import { ArchiveNotices, type FileNews, NOTICE_EVERY_MS } from '../../../main/archive-notices.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const wanted = (path: string, why: 'archived' | 'network' = 'archived'): FileNews => ({
  event: 'files/unavailable',
  value: { path, atMs: 0, why, sentence: 'It is archived. Restore it.' },
})

describe('The desktop', () => {
  test('tells once of archived files of one folder, and again much later', async () => {
    const clock = new FakeClock()
    const notices = new ArchiveNotices(clock)
    expect(notices.of(wanted('/m/d/a.bin'))).toEqual({
      title: 'a.bin is archived',
      body: 'It is archived. Restore it.',
    })
    expect(notices.of(wanted('/m/d/b.bin'))).toBeUndefined()
    expect(notices.of(wanted('/m/e/c.bin'))?.title).toBe('c.bin is archived')
    await clock.advance(NOTICE_EVERY_MS)
    expect(notices.of(wanted('/m/d/b.bin'))?.title).toBe('b.bin is archived')
  })

  test('tells nothing of a file that the network kept away', () => {
    expect(new ArchiveNotices(new FakeClock()).of(wanted('/m/a', 'network'))).toBeUndefined()
  })

  test('names the file that can be read now, or how many, and opens their folder', () => {
    const notices = new ArchiveNotices(new FakeClock())
    const restored = (paths: string[]): FileNews => ({
      event: 'files/restored',
      value: { dir: '/m', paths, count: paths.length },
    })
    const one = notices.of(restored(['/m/d/a.bin']))
    expect(one).toMatchObject({ title: 'a.bin can be read now', dir: '/m/d' })
    expect(notices.of(restored(['/m/d/a', '/m/d/b']))?.title).toBe('2 files can be read now')
  })
})
