import { expect, test } from 'vitest'
import { publicTwinOf } from '../../../engine/sync/private-endpoint.ts'

test('a private address of a provider has a public twin; other addresses have none', () => {
  const host = 'cloud-object-storage.appdomain.cloud'
  for (const kind of ['private', 'direct']) {
    expect(publicTwinOf(`https://s3.${kind}.eu-de.${host}`)).toBe(`https://s3.eu-de.${host}`)
  }
  for (const url of [`https://s3.eu-de.${host}`, 'https://s3.private.example.com', 'nonsense']) {
    expect(publicTwinOf(url)).toBeUndefined()
  }
})
