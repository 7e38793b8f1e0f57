/**
 * Goal: attributes that are changed here while another client changes or removes the same object
 *       harm nobody's bytes, are not lost without a word, and never wait for ever.
 * Method: another client acts before the rewrite looks, or between its look and its copy.
 */
import { describe, expect, test } from 'vitest'
import type { PutAttributes } from '../../../engine/s3/object-store.ts'
import { BareWorld } from '../../support/bare-world.ts'

const NS_PER_S = 1_000_000_000n
const MOMENTS = ['before the look', 'between look and copy'] as const
type Moment = (typeof MOMENTS)[number]

/** So long a flush may take: many tries, but not tries without an end. */
const LIMIT_MS = 120_000
/** By then a folder shows what another client stored. */
const LISTED_AGAIN_MS = 12_000

async function setMode(world: BareWorld, path: string, mode: number) {
  const { id } = await world.find(path)
  await world.run(world.vfs.setattr(world.context, { id }, { mode }))
}

/** Another client acts at that moment of the rewrite, and everything goes to the bucket. */
async function flushWhile(world: BareWorld, moment: Moment, meddle: () => void): Promise<void> {
  let isDone = false
  const hook = () => {
    if (!isDone) meddle()
    isDone = true
  }
  const fault = { kind: 'hook', when: 'before', hook } as const
  if (moment === 'before the look') hook()
  else world.network.setScript([{ operation: 'copy', nth: 1, fault }])
  const startedMs = world.clock.monotonicMs()
  const left = await world.engine.flush(LIMIT_MS)
  expect(left.files, 'changes left').toBe(0)
  expect(isDone, 'the other client acted').toBe(true)
  expect(world.clock.monotonicMs() - startedMs).toBeLessThan(LIMIT_MS)
}

const textOf = (world: BareWorld, key: string) =>
  Buffer.from(world.bucket.bytesOf(key) ?? []).toString()

const metadataOf = (world: BareWorld, key: string) => world.bucket.stored(key)?.metadata

describe('Attributes changed here of an object that another client', () => {
  test.each(MOMENTS)('replaced %s: the bytes are theirs, the mode is ours', async (moment) => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('run.sh', 'base'))
    await setMode(world, 'run.sh', 0o755)
    const theirs: PutAttributes = { metadata: { mtime: '1600000000', colour: 'blue' } }
    await flushWhile(world, moment, () => world.bucket.putDirect('run.sh', 'theirs', theirs))
    expect(textOf(world, 'run.sh')).toBe('theirs')
    const mode = String(0o100755)
    expect(metadataOf(world, 'run.sh')).toMatchObject({ mode, mtime: '1600000000', colour: 'blue' })
    expect(await world.read('run.sh')).toBe('theirs')
    expect(await world.find('run.sh')).toMatchObject({
      mode: 0o755,
      sizeBytes: 6,
      mtime: 1_600_000_000n * NS_PER_S,
    })
  })

  test.each(MOMENTS)('removed %s are forgotten with it', async (moment) => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('run.sh', 'base'))
    await setMode(world, 'run.sh', 0o755)
    await flushWhile(world, moment, () => world.bucket.deleteDirect('run.sh'))
    expect(world.bucket.keys()).toEqual([])
    // At once, not when the folder is listed next.
    expect(await world.names()).toEqual([])
  })

  test('replaced: a time that was set here belonged to the version before', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('data.csv', 'base'))
    const { id } = await world.find('data.csv')
    await world.run(world.vfs.setattr(world.context, { id }, { mtime: 5n * NS_PER_S }))
    await flushWhile(world, 'before the look', () => world.bucket.putDirect('data.csv', 'theirs'))
    expect(metadataOf(world, 'data.csv')?.mtime).not.toBe('5')
    expect((await world.find('data.csv')).mtime).not.toBe(5n * NS_PER_S)
  })

  test('replaced while a program has it open: it reads its version on, the name means theirs', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('run.sh', 'base'))
    await setMode(world, 'run.sh', 0o755)
    expect(await world.read('run.sh')).toBe('base')
    const { id } = await world.find('run.sh')
    const reading = { read: true, write: false }
    const { handle } = await world.run(world.vfs.open(world.context, id, reading))
    await flushWhile(world, 'before the look', () => world.bucket.putDirect('run.sh', 'theirs'))
    const into = new Uint8Array(4)
    await world.run(world.vfs.read(world.context, { id, handle }, 0, into))
    expect(Buffer.from(into).toString()).toBe('base')
    await world.run(world.vfs.release(handle))
    expect(await world.read('run.sh')).toBe('theirs')
    expect(await world.find('run.sh')).toMatchObject({ mode: 0o755 })
  })

  test('replaced while a program writes it: the save meets theirs as a conflict', async () => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('run.sh', 'base'))
    const { id } = await world.find('run.sh')
    const writing = { read: true, write: true }
    const { handle } = await world.run(world.vfs.open(world.context, id, writing))
    await setMode(world, 'run.sh', 0o755)
    await flushWhile(world, 'before the look', () => world.bucket.putDirect('run.sh', 'theirs'))
    expect(metadataOf(world, 'run.sh')).toMatchObject({ mode: String(0o100755) })
    await world.run(world.vfs.write(world.context, { id, handle }, 0, Buffer.from('OURS')))
    await world.run(world.vfs.flush(world.context, { id, handle }))
    await world.run(world.vfs.release(handle))
    expect((await world.engine.flush(LIMIT_MS)).files).toBe(0)
    const texts = world.bucket.keys().map((key) => textOf(world, key))
    expect(texts.sort()).toEqual(['OURS', 'theirs'])
  })
})

describe('The mode of a directory under whose own key somebody keeps content', () => {
  test.each(MOMENTS)('replaced %s: the content is theirs, the mode is ours', async (moment) => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('d/', 'base'))
    await world.names('d')
    await setMode(world, 'd', 0o700)
    await flushWhile(world, moment, () => world.bucket.putDirect('d/', 'theirs'))
    expect(textOf(world, 'd/')).toBe('theirs')
    expect(metadataOf(world, 'd/')).toMatchObject({ mode: String(0o040700) })
  })

  test.each(MOMENTS)('removed %s: an empty object is written', async (moment) => {
    const world = await BareWorld.started((bucket) => bucket.putDirect('d/', 'base'))
    await world.names('d')
    await setMode(world, 'd', 0o700)
    await flushWhile(world, moment, () => world.bucket.deleteDirect('d/'))
    expect(textOf(world, 'd/')).toBe('')
    expect(metadataOf(world, 'd/')).toMatchObject({ mode: String(0o040700) })
  })
})

/** Its ETag is none of its bytes, and is another one after a copy. */
async function storeInParts(world: BareWorld, key: string, body: string): Promise<void> {
  const { bucket, clock } = world
  const { uploadId } = await bucket.createMultipart({ key })
  const part = { key, uploadId, partNumber: 1, body: Buffer.from(body) }
  const { etag } = await bucket.uploadPart(part)
  await bucket.completeMultipart({ key, uploadId, parts: [{ partNumber: 1, etag }] })
  await clock.advance(LISTED_AGAIN_MS)
}

describe('A file that a program removes while its mode is on its way', () => {
  const SLOW_MS = 20_000

  async function startedWithFile(): Promise<BareWorld> {
    const world = await BareWorld.started()
    await storeInParts(world, 'run.sh', 'base')
    return world
  }

  async function removedMeanwhile(world: BareWorld): Promise<void> {
    await setMode(world, 'run.sh', 0o755)
    const fault = { kind: 'delay', delayMs: SLOW_MS } as const
    world.network.setScript([{ operation: 'copy', nth: 1, fault }])
    await world.clock.advance(SLOW_MS / 2)
    expect(world.network.calls, 'the copy is under way').toContain('copy run.sh')
    const { root } = world.vfs
    await world.run(world.vfs.remove(world.context, root, 'run.sh', { kind: 'file' }))
  }

  test('is gone, though the bucket had a new version of it by then', async () => {
    const world = await startedWithFile()
    await removedMeanwhile(world)
    expect((await world.engine.flush(LIMIT_MS)).files).toBe(0)
    expect(world.bucket.versions('run.sh'), 'stored, copied, deleted').toHaveLength(3)
    expect(world.bucket.keys()).toEqual([])
    expect(await world.names()).toEqual([])
  })

  test('is gone as well when another program still reads it', async () => {
    const world = await startedWithFile()
    const { id } = await world.find('run.sh')
    const reading = { read: true, write: false }
    const { handle } = await world.run(world.vfs.open(world.context, id, reading))
    await removedMeanwhile(world)
    expect((await world.engine.flush(LIMIT_MS)).files).toBe(0)
    expect(world.bucket.keys()).toEqual([])
    await world.run(world.vfs.release(handle))
    expect(await world.names()).toEqual([])
  })

  test('stays when another client replaces it in between', async () => {
    const world = await startedWithFile()
    await removedMeanwhile(world)
    world.bucket.putDirect('run.sh', 'theirs')
    expect((await world.engine.flush(LIMIT_MS)).files).toBe(0)
    expect(textOf(world, 'run.sh')).toBe('theirs')
    expect(await world.read('run.sh')).toBe('theirs')
  })
})
