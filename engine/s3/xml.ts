/**
 * A reader for the small XML that S3 servers answer with.
 *
 * Keeps: bounded in depth and count; a document with a DTD or an unknown entity is refused.
 * Never: follows anything outside the text; changes spaces or control characters in a value,
 *        for they are part of a key. Some servers write control characters that XML 1.0 forbids.
 */
import { PailError } from '../../shared/errors.ts'

export type XmlElement = {
  /** Without a namespace prefix. */
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

type OpenElement = { name: string; text: string; children: XmlElement[] }

const DEPTH_MAX = 16
const ELEMENTS_MAX = 400_000
const PLAIN_TAG_CHARACTERS_MAX = 64
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/** @throws PailError `s3/bad-reply` unless `source` is one well-formed element without a DTD */
export function parseXml(source: string): XmlElement {
  return new XmlReader(source).read()
}

export function child(parent: XmlElement, name: string): XmlElement | undefined {
  return parent.children.find((element) => element.name === name)
}

export function childText(parent: XmlElement, name: string): string | undefined {
  return child(parent, name)?.text
}

class XmlReader {
  readonly #source: string
  readonly #open: OpenElement[] = []
  #at = 0
  #count = 0
  #root: XmlElement | undefined

  constructor(source: string) {
    this.#source = source.charCodeAt(0) === 0xfeff ? source.slice(1) : source
  }

  read(): XmlElement {
    while (this.#at < this.#source.length) this.#readNext()
    if (this.#open.length > 0 || !this.#root) throw badXml('ends too early')
    return this.#root
  }

  #readNext(): void {
    const tag = this.#source.indexOf('<', this.#at)
    this.#addText(decodeEntities(this.#source.slice(this.#at, tag < 0 ? undefined : tag)))
    if (tag < 0) {
      this.#at = this.#source.length
      return
    }
    this.#at = tag
    switch (this.#source[tag + 1]) {
      case '/':
        this.#readEnd()
        break
      case '?':
        this.#skipPast('?>')
        break
      case '!':
        this.#readMarked()
        break
      default:
        this.#readStart()
    }
  }

  #readMarked(): void {
    if (this.#source.startsWith('<!--', this.#at)) this.#skipPast('-->')
    else if (this.#source.startsWith('<![CDATA[', this.#at)) this.#readCdata()
    else throw badXml('has a DTD')
  }

  #addText(text: string): void {
    const open = this.#open.at(-1)
    if (open) open.text += text
    else if (text.trim() !== '') throw badXml('has text outside of its root element')
  }

  #skipPast(end: string): string {
    const found = this.#source.indexOf(end, this.#at)
    if (found < 0) throw badXml('ends too early')
    const skipped = this.#source.slice(this.#at, found)
    this.#at = found + end.length
    return skipped
  }

  #readCdata(): void {
    this.#addText(this.#skipPast(']]>').slice('<![CDATA['.length))
  }

  #readStart(): void {
    const { name, isClosed } = this.#readPlainTag() ?? this.#readTag()
    if (++this.#count > ELEMENTS_MAX) throw badXml(`has more than ${ELEMENTS_MAX} elements`)
    if (this.#open.length >= DEPTH_MAX) throw badXml(`is nested more than ${DEPTH_MAX} deep`)
    if (this.#root) throw badXml('has two root elements')
    this.#open.push({ name, text: '', children: [] })
    if (isClosed) this.#close()
  }

  /** A tag of letters alone: nearly all of a listing, and four times as fast. */
  #readPlainTag(): { name: string; isClosed: boolean } | undefined {
    const end = this.#source.indexOf('>', this.#at)
    if (end < 0 || end - this.#at > PLAIN_TAG_CHARACTERS_MAX) return undefined
    const name = this.#source.slice(this.#at + 1, end)
    if (!/^[A-Za-z]+$/.test(name)) return undefined
    this.#at = end + 1
    return { name, isClosed: false }
  }

  #readTag(): { name: string; isClosed: boolean } {
    const tag = /<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>/y
    tag.lastIndex = this.#at
    const found = tag.exec(this.#source)
    if (!found) throw badXml('has a tag that cannot be read')
    this.#at = tag.lastIndex
    return { name: found[2] ?? '', isClosed: found[3]?.endsWith('/') ?? false }
  }

  #readEnd(): void {
    const name = this.#skipPast('>').slice(2).trim()
    const open = this.#open.at(-1)
    if (!open || name.slice(name.indexOf(':') + 1) !== open.name) {
      throw badXml('closes an element that is not open')
    }
    this.#close()
  }

  #close(): void {
    const element = this.#open.pop()
    const parent = this.#open.at(-1)
    if (element && parent) parent.children.push(element)
    else this.#root = element
  }
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&([^;&]{0,12})(;?)/g, (_, name: string, end: string) => {
    const decoded = end === ';' ? (ENTITIES[name] ?? decodeReference(name)) : undefined
    if (decoded === undefined) throw badXml('has an entity that is not known')
    return decoded
  })
}

function decodeReference(name: string): string | undefined {
  const found = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name)
  if (!found) return undefined
  const point = found[1] ? Number.parseInt(found[1], 16) : Number(found[2])
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined
}

function badXml(reason: string): PailError {
  return new PailError('s3/bad-reply', `the server's XML ${reason}`)
}
