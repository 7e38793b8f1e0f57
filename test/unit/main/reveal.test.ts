import { describe, expect, test } from 'vitest'
import { Folders } from '../../../main/folders.ts'

function setUp(platform: NodeJS.Platform) {
  const launched: string[][] = []
  const folders = new Folders({
    home: '/home/ana',
    platform,
    askPerson: async () => undefined,
    launch: async (program, argv) => {
      launched.push([program, ...argv])
    },
  })
  return { folders, launched }
}

const DIR = '/home/ana/Pail/data'
const FILE = `${DIR}/runs/a.csv`

describe('a file that is shown in its folder', () => {
  test.each([
    ['linux', ['xdg-open', `${DIR}/runs`]],
    ['darwin', ['/usr/bin/open', '-R', FILE]],
    ['win32', ['explorer.exe', `/select,${FILE}`]],
  ] as const)('is shown by the file manager of %s', async (platform, argv) => {
    const { folders, launched } = setUp(platform)
    await folders.reveal(FILE, [DIR])
    expect(launched).toEqual([argv])
  })

  test.each(['/etc/passwd', `${DIR}-other/a`, `${DIR}/../../.ssh/id`, DIR])(
    'is in a mounted folder: %s is refused',
    (path) => {
      const { folders, launched } = setUp('linux')
      expect(() => folders.reveal(path, [DIR])).toThrow('mount/not-mounted')
      expect(launched).toEqual([])
    },
  )
})
