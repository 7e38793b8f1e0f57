import { describe, expect, test } from 'vitest'
import { QUEUED_NOTIFICATIONS_MAX } from '../../../engine/fuse/invalidator.ts'
import {
  encodeInvalidateAllEntries,
  encodeInvalidateEntry,
  encodeInvalidateNode,
} from '../../../engine/fuse/wire/notifications.ts'
import { FakeKernel } from './kernel.ts'

/** Lets everything that is ready run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('Kernel invalidation', () => {
  test('names what changed elsewhere, as far as the kernel knows it', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.writeRemotely('a', 'x')
    await settled()
    expect(kernel.notifications).toEqual([
      encodeInvalidateEntry(1, 'a'),
      encodeInvalidateNode(1, false),
    ])
    kernel.notifications.length = 0
    kernel.vfs.writeRemotely('a', 'changed')
    await settled()
    expect(kernel.notifications, 'the kernel has not looked it up').toEqual([])
    await kernel.lookup('a')
    kernel.vfs.writeRemotely('a', 'changed again')
    await settled()
    expect(kernel.notifications).toEqual([encodeInvalidateNode(2, true)])
  })

  test('leaves out what this kernel did itself', async () => {
    const kernel = await FakeKernel.started()
    kernel.vfs.report({ type: 'added', id: 2, name: 'a', origin: 'fuse' })
    await settled()
    expect(kernel.notifications).toEqual([])
  })

  test('never waits inside whoever reports a change, and sends one message at a time', async () => {
    const kernel = await FakeKernel.started()
    const accept: Array<() => void> = []
    kernel.notify = () => new Promise((resolve) => accept.push(resolve))
    kernel.vfs.writeRemotely('a', 'x')
    kernel.vfs.writeRemotely('b', 'x')
    await settled()
    expect(accept).toHaveLength(1)
    // Meanwhile operations are answered.
    expect((await kernel.lookup('a')).error).toBe(0)
    accept[0]?.()
    await settled()
    expect(accept).toHaveLength(2)
  })

  test('sends equal messages once while they wait', async () => {
    const kernel = await FakeKernel.started()
    await kernel.lookup('a')
    kernel.vfs.writeRemotely('a', 'x')
    await settled()
    await kernel.lookup('a')
    kernel.notifications.length = 0
    for (let count = 0; count < 50; count++) {
      kernel.vfs.report({ type: 'attributes', id: 2, name: 'a' })
      kernel.vfs.report({ type: 'data', id: 2, name: 'a' })
    }
    await settled()
    expect(kernel.notifications.length).toBeLessThanOrEqual(2)
    expect(kernel.notifications.at(-1)).toEqual(encodeInvalidateNode(2, true))
  })

  test('is bounded: a flood outdates every name at once where the kernel can', async () => {
    for (const minor of [45, 38]) {
      const kernel = await FakeKernel.started({ minor })
      kernel.notify = () => new Promise(() => {})
      for (let count = 0; count < QUEUED_NOTIFICATIONS_MAX + 10; count++) {
        kernel.vfs.report({ type: 'added', id: 9, name: `file-${count}` })
      }
      const { queued, dropped } = kernel.dispatcher.stats().notifications
      expect(dropped).toBe(QUEUED_NOTIFICATIONS_MAX)
      expect(queued).toBeLessThan(20)
    }
    expect(encodeInvalidateAllEntries()).toHaveLength(16)
  })

  test('goes on after the kernel refused a message', async () => {
    const kernel = await FakeKernel.started()
    const sent: Buffer[] = []
    kernel.notify = async (message) => {
      sent.push(message)
      if (sent.length === 1) throw new Error('EINVAL')
    }
    kernel.vfs.writeRemotely('a', 'x')
    kernel.vfs.writeRemotely('b', 'x')
    await settled()
    expect(sent.length).toBeGreaterThanOrEqual(3)
    expect(kernel.errors).toEqual(['fuse/notification-failed'])
  })
})
