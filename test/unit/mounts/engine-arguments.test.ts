/** How the engine process is told what to do. */
import { describe, expect, test } from 'vitest'
import { engineEnvironment } from '../../../engine/mounts/engine-environment.ts'
import { parseEngineArguments } from '../../../engine/mounts/engine-main.ts'

describe('Engine process', () => {
  test('takes its folder from an argument or from the environment', () => {
    expect(parseEngineArguments(['--data-dir', '/d', '--ready-fd', '3'], {})).toEqual({
      dataDir: '/d',
      readyFd: 3,
      endsWhenIdle: false,
    })
    expect(parseEngineArguments(['--ends-when-idle'], { PAIL_DATA_DIR: '/e' })).toEqual({
      dataDir: '/e',
      endsWhenIdle: true,
    })
  })

  test('does not mind the arguments of Electron', () => {
    const argv = ['--type=utility', '--lang=de', '--no-sandbox', 'x']
    expect(parseEngineArguments(argv, { PAIL_DATA_DIR: '/e' }).dataDir).toBe('/e')
  })

  test('sees nothing of the caller’s environment but what it needs', () => {
    const ours = {
      HOME: '/home/ada',
      PATH: '/bin',
      AWS_SECRET_ACCESS_KEY: 's',
      NODE_OPTIONS: '--require x',
      GITHUB_TOKEN: 't',
      LANG: undefined,
    }
    expect(engineEnvironment(ours)).toEqual({
      HOME: '/home/ada',
      MALLOC_ARENA_MAX: '2',
      PATH: '/bin',
      UV_THREADPOOL_SIZE: '16',
    })
  })
})
