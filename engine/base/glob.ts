/**
 * Patterns for names, as shells know them: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` across
 * folders. Pure.
 */
import { PailError } from '../../shared/errors.ts'

/** Longer ones are no patterns that anybody typed. */
const PATTERN_LENGTH_MAX = 1024
const SPECIAL = /[*?[{]/

/** Splits `a/b/*.csv` into what is plain, `a/b`, and the pattern, `*.csv`. */
export function splitGlob(pattern: string): { plain: string; glob: string } {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => SPECIAL.test(part))
  // Without a pattern the last name is one that matches itself.
  const at = first < 0 ? parts.length - 1 : first
  return { plain: parts.slice(0, at).join('/'), glob: parts.slice(at).join('/') }
}

/** @throws PailError `input/invalid` for brackets that are not closed */
export function globToRegExp(glob: string): RegExp {
  if (glob.length > PATTERN_LENGTH_MAX) throw invalid('too long')
  const source = `^${translate(glob)}$`
  try {
    return new RegExp(source, 'u')
  } catch {
    throw invalid('a range of characters runs backwards')
  }
}

function translate(glob: string): string {
  let out = ''
  let depth = 0
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at)
    const bracket = rest.startsWith('[') ? bracketAt(rest) : undefined
    if (rest.startsWith('**/')) {
      out += '(?:[^/]+/)*'
      at += 3
    } else if (rest.startsWith('**')) {
      out += '.*'
      at += 2
    } else if (bracket) {
      out += bracket.source
      at += bracket.length
    } else {
      const character = rest[0] ?? ''
      if (character === '{') depth++
      else if (character === '}' && depth > 0) depth--
      else if (character === '}') throw invalid('a brace is closed that was not opened')
      out += translateOne(character, depth)
      at += 1
    }
  }
  if (depth > 0) throw invalid('a brace is not closed')
  return out
}

function translateOne(character: string, depth: number): string {
  switch (character) {
    case '*':
      return '[^/]*'
    case '?':
      return '[^/]'
    case '{':
      return '(?:'
    case '}':
      return ')'
    case ',':
      return depth > 0 ? '|' : ','
    default:
      return escapeOne(character)
  }
}

/** `[abc]`, `[a-z]`, `[!a]`; a bracket first in it is one of the characters. */
function bracketAt(text: string): { source: string; length: number } {
  const end = text.indexOf(']', text[1] === '!' || text[1] === '^' ? 3 : 2)
  if (end < 0) throw invalid('a bracket is not closed')
  const body = text.slice(1, end)
  const isNegated = body.startsWith('!') || body.startsWith('^')
  const characters = (isNegated ? body.slice(1) : body).replace(/[\\\]^[]/g, '\\$&')
  return { source: isNegated ? `[^/${characters}]` : `[${characters}]`, length: end + 1 }
}

function escapeOne(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character
}

function invalid(why: string): PailError {
  return new PailError('input/invalid', `the pattern cannot be used: ${why}`)
}
