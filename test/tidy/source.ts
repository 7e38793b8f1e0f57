/**
 * Source files as the tidy rules see them: parsed once, with imports resolved inside the tree.
 */
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'vite'

/** A node of the syntax tree (ESTree with TypeScript), as far as the rules look into it. */
export type Node = {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

export type Import = {
  /** As written. */
  readonly name: string
  /** Path in this tree; absent for packages. */
  readonly path?: string
  /** What is taken from it by name. */
  readonly names: readonly string[]
  readonly line: number
}

export type Source = {
  readonly path: string
  readonly text: string
  readonly lineCount: number
  readonly imports: readonly Import[]
  readonly nodes: readonly Node[]
  readonly comments: readonly { readonly value: string; readonly line: number }[]
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value

/** All nodes below `value`, outer before inner. */
function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item)
    return
  }
  if (!isNode(value)) return
  yield value
  for (const child of Object.values(value)) yield* walk(child)
}

export const child = (node: Node, key: string): Node | undefined => {
  const value = node[key]
  return isNode(value) ? value : undefined
}

export const children = (node: Node, key: string): Node[] => {
  const value = node[key]
  return Array.isArray(value) ? value.filter(isNode) : []
}

export const textOf = (node: Node | undefined, key: string): string => {
  const value = node?.[key]
  return typeof value === 'string' ? value : ''
}

export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

function importOf(path: string, text: string, node: Node): Import | undefined {
  if (!IMPORTING.has(node.type)) return undefined
  const name = textOf(child(node, 'source') ?? child(node, 'argument'), 'value')
  if (name === '') return undefined
  const names = children(node, 'specifiers').map((one) => textOf(child(one, 'imported'), 'name'))
  const found = { name, names, line: lineAt(text, node.start) }
  if (!name.startsWith('.')) return found
  return { ...found, path: normalize(join(dirname(path), name)) }
}

export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text)
  const nodes = [...walk(parsed.program)]
  return {
    path,
    text,
    lineCount: text.split('\n').length - 1,
    nodes,
    imports: nodes.flatMap((node) => importOf(path, text, node) ?? []),
    comments: parsed.comments.map(({ value, start }) => ({ value, line: lineAt(text, start) })),
  }
}
