/** Frames as lines. */
import { describe, expect, test } from 'vitest'
import {
  encodeLine,
  LINE_BYTES_MAX,
  LineReader,
  parseFrame,
  parseLine,
} from '../../../engine/mounts/frames.ts'

describe('Lines of a socket', () => {
  test('are found however the bytes are cut, also inside a character', () => {
    const bytes = Buffer.from('{"a":"é€"}\n{"b":2}\nrest')
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new LineReader()
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += size) {
        lines.push(...reader.push(bytes.subarray(at, at + size)))
      }
      expect(lines, `chunks of ${size}`).toEqual(['{"a":"é€"}', '{"b":2}'])
    }
  })

  test('are refused as soon as one grows too long', () => {
    const reader = new LineReader()
    const half = Buffer.alloc(LINE_BYTES_MAX / 2, 'x')
    expect(reader.push(half)).toEqual([])
    expect(() => reader.push(half)).toThrow(expect.objectContaining({ code: 'input/invalid' }))
    const text = 'x'.repeat(LINE_BYTES_MAX)
    expect(() => encodeLine({ kind: 'reply', id: 1, reply: { ok: true, value: text } })).toThrow()
  })

  test('that are not frames are refused without quoting them', () => {
    for (const line of ['{"secretAccessKey":"canary"', '{"kind":"call","id":"canary"}', 'null']) {
      expect(() => parseLine(line)).toThrow(
        expect.objectContaining({
          code: 'input/invalid',
          detail: expect.not.stringMatching('canary'),
        }),
      )
    }
    expect(() => parseFrame({ kind: 'call', id: 1, call: 'x'.repeat(65), input: {} })).toThrow()
  })
})
