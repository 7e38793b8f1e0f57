import { describe, expect, test } from 'vitest'
import { Leaving } from '../../../main/leaving.ts'
import { type QuitAnswer, quitQuestion } from '../../../main/quit.ts'
import type { WindowStatus } from '../../../shared/window-contract.ts'
import { settle } from '../../support/fake-clock.ts'
import { syncView } from '../../support/sync-view.ts'
import { mountView } from './desktop-fakes.ts'

function statusWith(pendingFiles: number, isShared = false): WindowStatus {
  const mount = {
    ...mountView({ pendingFiles, pendingBytes: pendingFiles * 100e6 }),
    isWanted: true,
    isMounted: true,
  }
  const counts = { ...syncView().counts, pendingFiles, pendingBytes: pendingFiles * 100e6 }
  return { engine: { state: 'running', isShared }, mounts: [mount], sync: syncView({ counts }) }
}

function setUp(status: WindowStatus, answer: QuitAnswer) {
  const happened: string[] = []
  let endUploads = (_files: number) => {}
  const uploads = new Promise<number>((resolve) => {
    endUploads = resolve
  })
  const leaving = new Leaving({
    status: () => status,
    engine: {
      call: async () => {
        const output: unknown = { pendingFiles: await uploads, pendingBytes: 0 }
        return output as never
      },
    },
    ask: async ({ message }) => {
      happened.push(message)
      return answer
    },
    stop: async (hurry) => {
      happened.push(hurry === 'system' ? 'stop in a hurry' : 'stop')
    },
    exit: () => happened.push('exit'),
  })
  return { leaving, happened, endUploads }
}

describe('Leaving', () => {
  test('asks nothing when everything is in the bucket', async () => {
    const { leaving, happened } = setUp(statusWith(0), 'Cancel')
    await leaving.quit()
    expect(happened).toEqual(['stop', 'exit'])
  })

  test('names what is still to upload, and stays when the person cancels', async () => {
    const { leaving, happened } = setUp(statusWith(3), 'Cancel')
    await leaving.quit()
    expect(happened).toEqual(['3 files, 300 MB still to upload'])
    expect(leaving.isStopping).toBe(false)
  })

  test('leaves uploads for next time when the person says so', async () => {
    const { leaving, happened } = setUp(statusWith(1), 'Quit, upload next time')
    await leaving.quit()
    expect(happened).toEqual(['1 file, 100 MB still to upload', 'stop', 'exit'])
  })

  test('waits for the last upload, then quits by itself', async () => {
    const { leaving, happened, endUploads } = setUp(statusWith(2), 'Wait for uploads')
    const quitting = leaving.quit()
    await settle()
    expect(happened).toHaveLength(1)
    endUploads(0)
    await quitting
    expect(happened.slice(1)).toEqual(['stop', 'exit'])
  })

  test('does not quit when waiting ended with files left', async () => {
    const { leaving, happened, endUploads } = setUp(statusWith(2), 'Wait for uploads')
    const quitting = leaving.quit()
    endUploads(2)
    await quitting
    expect(happened).not.toContain('exit')
  })

  test('asks nothing and hurries when the session ends', async () => {
    const { leaving, happened } = setUp(statusWith(3), 'Cancel')
    await leaving.stopNow()
    expect(happened).toEqual(['stop in a hurry', 'exit'])
  })

  test('asks nothing when the engine goes on without the app', () => {
    expect(quitQuestion(statusWith(3, true))).toBeUndefined()
  })

  test('counts what the engine counts, also of folders that are not mounted', () => {
    const { mounts: _, ...status } = statusWith(2)
    expect(quitQuestion({ ...status, mounts: [] })?.message).toBe('2 files, 200 MB still to upload')
  })

  test('does not offer to wait for uploads that a person halted', () => {
    const status = statusWith(1)
    expect(quitQuestion(status)?.buttons).toContain('Wait for uploads')
    for (const halt of [{ isPaused: true }, { isWorkingOffline: true }]) {
      const sync = { ...syncView(halt), counts: status.sync?.counts ?? syncView().counts }
      const question = quitQuestion({ ...status, sync })
      expect(question?.buttons).toEqual(['Quit, upload next time', 'Cancel'])
    }
  })
})
