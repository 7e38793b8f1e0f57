/** The longest files and functions: a hint where to split next, never a failure. */
import { child, lineAt, type Node, type Source, textOf } from './source.ts'

const FUNCTION_TYPES = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
])

type Size = { readonly name: string; readonly lines: number }

function functionSize(source: Source, node: Node): Size[] {
  if (!FUNCTION_TYPES.has(node.type) || typeof node.end !== 'number') return []
  const start = lineAt(source.text, node.start)
  const lines = lineAt(source.text, node.end) - start + 1
  const name = textOf(child(node, 'id'), 'name')
  return [{ name: `${source.path}:${start} ${name}`.trim(), lines }]
}

const longest = (sizes: readonly Size[], count: number): string =>
  [...sizes]
    .sort((a, b) => b.lines - a.lines)
    .slice(0, count)
    .map(({ name, lines }) => `  ${String(lines).padStart(4)}  ${name}`)
    .join('\n')

/** Functions are counted outside of tests: a `describe` is one long function by nature. */
export function sizeHint(sources: readonly Source[], count: number): string {
  const files = sources.map(({ path, lineCount }) => ({ name: path, lines: lineCount }))
  const functions = sources
    .filter(({ path }) => !path.startsWith('test/'))
    .flatMap((source) => source.nodes.flatMap((node) => functionSize(source, node)))
  return `longest files\n${longest(files, count)}\nlongest functions\n${longest(functions, count)}`
}
