import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { child, childText, parseXml } from '../../../engine/s3/xml.ts'

const SEED = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 2 ** 31))

const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

describe(`XML of servers (seed ${SEED})`, () => {
  test('reads elements, attributes, comments, CDATA and entities', () => {
    const root = parseXml(
      `\ufeff<?xml version="1.0"?><!-- c --><n:A xmlns:n='u>"' x="/>"><B/><C a='1'/>` +
        `<D>a&lt;&#x26;&#65;<![CDATA[<&]]> </D></n:A>`,
    )
    expect(root.name).toBe('A')
    expect(child(root, 'B')).toEqual({ name: 'B', text: '', children: [] })
    expect(childText(root, 'D')).toBe('a<&A<& ')
  })

  test('any text comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(childText(parseXml(`<A><B>${escapeText(text)}</B></A>`), 'B')).toBe(text)
      }),
      { seed: SEED },
    )
  })

  test.each([
    '',
    'text',
    '<A>',
    '<A></B>',
    '</A>',
    '<A/><B/>',
    '<A/>text',
    '<A',
    '<A b="></A>',
    '<!DOCTYPE A><A/>',
    '<!DOCTYPE A [<!ENTITY x SYSTEM "file:///etc/passwd">]><A>&x;</A>',
    '<A>&x;</A>',
    '<A>&amp</A>',
    '<A>&#x110000;</A>',
    '<A><!-- </A>',
    '<A><![CDATA[</A>',
    '<A>'.repeat(17) + '</A>'.repeat(17),
    '<A>'.repeat(1_000_000),
  ])('refuses document %#', (document) => {
    expect(() => parseXml(document)).toThrow('s3/bad-reply')
  })

  test('noise never ends in anything but an answer or a refusal', () => {
    const piece = fc.constantFrom('<', '>', '</', '/>', 'A', '="', "'", '&', ';', '<!', '--', '?>')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parseXml(pieces.join(''))
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 's3/bad-reply' })
        }
      }),
      { seed: SEED, numRuns: 2000 },
    )
  })
})
