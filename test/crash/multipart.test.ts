/**
 * Goal: an upload in parts goes on after a kill, sends no part twice, and is never left open.
 * Method: the same upload again and again, killed before and after its first request, its second...
 */
import { describe, expect, test } from 'vitest'
import { killAtEveryRequest } from './every-request.ts'
import { BIG_UPLOAD } from './works.ts'

describe('A multipart upload', () => {
  test('goes on after a kill with the parts that are there, and leaves no upload open', async () => {
    expect(await killAtEveryRequest(BIG_UPLOAD)).toBeGreaterThan(10)
  })
})
