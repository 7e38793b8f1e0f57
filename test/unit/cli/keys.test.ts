/** Where keys come from, and which files are trusted with them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findKeys, type KeySource, keysInEnvironment } from '../../../cli/keys.ts'
import {
  judgePasswordFile,
  parsePasswordFile,
  readPasswordFile,
} from '../../../cli/password-file.ts'
import { temporaryFolder } from '../../support/folder.ts'

const KEYS = { accessKeyId: 'ACCESS', secretAccessKey: 'SECRET' }
const badFile = (text: RegExp) =>
  expect.objectContaining({ code: 'input/password-file', detail: expect.stringMatching(text) })

function file(text: string, mode: number): string {
  const path = join(temporaryFolder(), 'keys')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe('Password file', () => {
  test.each([
    'ACCESS:SECRET',
    '\ufeff# keys\r\n\r\n  ACCESS:SECRET  \r\n',
    'other:A:S\nACCESS:SECRET\n',
    'X:Y\ndemo:ACCESS:SECRET\n',
  ])('gives the keys of the bucket: %j', (text) => {
    expect(parsePasswordFile(text, 'demo')).toEqual(KEYS)
  })

  test.each([
    ['', /no keys for bucket demo/],
    ['other:A:S', /no keys for bucket demo/],
    ['canary', /line 1/],
    ['# x\nA:', /line 2/],
    ['a:b:c:d', /line 1/],
    [':A:S', /line 1/],
    ['A:B\nC:D', /line 2 is a second/],
    ['demo:A:B\ndemo:C:D', /line 2 is a second/],
  ])('%j is refused with the line, not its content', (text, why) => {
    expect(() => parsePasswordFile(text, 'demo')).toThrow(badFile(why))
    expect(() => parsePasswordFile(text, 'demo')).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching('canary') }),
    )
  })

  test('is trusted only when nobody else can read it', () => {
    expect(readPasswordFile(file('ACCESS:SECRET', 0o600), 'demo')).toEqual(KEYS)
    expect(readPasswordFile(file('ACCESS:SECRET', 0o400), 'demo')).toEqual(KEYS)
    for (const mode of [0o644, 0o640, 0o660, 0o700, 0o604]) {
      const path = file('ACCESS:SECRET', mode)
      expect(() => readPasswordFile(path, 'demo')).toThrow(
        badFile(new RegExp(`${path}.*mode ${mode.toString(8)}`)),
      )
    }
  })

  test('is a file of our own', () => {
    const facts = { isFile: true, mode: 0o100600, uid: 7, sizeBytes: 10 }
    expect(judgePasswordFile(facts, 7)).toBeUndefined()
    expect(judgePasswordFile(facts, 8)).toMatch(/another user/)
    expect(judgePasswordFile({ ...facts, sizeBytes: 1e9 }, 7)).toMatch(/too long/)
    const folder = join(temporaryFolder(), 'folder')
    mkdirSync(folder, { mode: 0o700 })
    expect(() => readPasswordFile(folder, 'demo')).toThrow(badFile(/not a file/))
    expect(() => readPasswordFile(`${folder}/none`, 'demo')).toThrow(badFile(/does not exist/))
  })
})

class FakeKeychain implements KeySource {
  readonly names: readonly string[]
  wasOpened = false

  constructor(...names: readonly string[]) {
    this.names = names
  }

  connections() {
    return this.names.map((name) => ({
      id: '6f0c2b1e-7d4a-4a51-9d0e-3d1f0a6f7b11',
      name,
      endpointUrl: 'https://S3.example.com:443/',
      region: 'r',
      accessKeyId: 'ACCESS',
    }))
  }

  async secretOf() {
    this.wasOpened = true
    return 'SECRET'
  }
}

describe('Keys of a mount', () => {
  const wanted = { bucket: 'demo', endpointUrl: 'https://s3.example.com' }
  const inEnvironment = { AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'F' }

  test('come from the file first, then the environment, then the keychain', async () => {
    const keychain = new FakeKeychain('work')
    const passwordFile = file('ACCESS:SECRET', 0o600)
    expect(await findKeys({ ...wanted, passwordFile }, inEnvironment, keychain)).toEqual(KEYS)
    expect(await findKeys(wanted, inEnvironment, keychain)).toEqual({
      accessKeyId: 'E',
      secretAccessKey: 'F',
    })
    expect(keychain.wasOpened).toBe(false)
    expect(await findKeys(wanted, {}, keychain)).toEqual(KEYS)
  })

  test('are missing when no connection of the app is to this server, and no keychain is opened', async () => {
    const keychain = new FakeKeychain('work')
    const elsewhere = { ...wanted, endpointUrl: 'https://s3.example.org' }
    await expect(findKeys(elsewhere, {}, keychain)).rejects.toMatchObject({ code: 'input/no-keys' })
    expect(keychain.wasOpened).toBe(false)
  })

  test('are not guessed when two connections are to this server', async () => {
    await expect(findKeys(wanted, {}, new FakeKeychain('work', 'home'))).rejects.toEqual(
      expect.objectContaining({ detail: expect.stringContaining('work, home') }),
    )
  })

  test('in the environment are both there, and do not expire', () => {
    expect(keysInEnvironment({})).toBeUndefined()
    expect(() => keysInEnvironment({ AWS_ACCESS_KEY_ID: 'E' })).toThrow(/AWS_SECRET_ACCESS_KEY/)
    expect(() => keysInEnvironment({ ...inEnvironment, AWS_SESSION_TOKEN: 't' })).toThrow(/expire/)
  })
})
