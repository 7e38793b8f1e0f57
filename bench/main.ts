/**
 * Pail beside s3fs and rclone: `npm run bench -- [options]`, see options.ts.
 *
 * Prints a Markdown table and keeps the numbers under .cache/bench.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, LOCAL_CACHE } from '../build/common.mjs'
import { writeDocs } from './docs.ts'
import { readEarlier } from './earlier.ts'
import { watchInterrupts } from './interrupt.ts'
import { readOptions, USAGE } from './options.ts'
import { reportOf } from './report.ts'
import { type Results, runAll } from './schedule.ts'

function keep(results: Results): string {
  const folder = join(LOCAL_CACHE, 'bench')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${results.startedAt.replaceAll(':', '-')}.json`)
  writeFileSync(path, JSON.stringify(results, null, 1))
  return path
}

const say = (line: string) => process.stderr.write(`${line}\n`)

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (!options) {
    console.log(USAGE)
    return 0
  }
  if (process.getuid?.() !== 0 && !findProgram('fusermount3')) {
    say('Mounting needs root, or fusermount3: install the package fuse3.')
    return 1
  }
  watchInterrupts()
  const { from } = options
  const results = from ? readEarlier(from.split(',')) : await runAll(options, say)
  if (!from) say(`kept in ${keep(results)}`)
  console.log(reportOf(results))
  if (options.writesDocs) await writeDocs(results)
  return 0
}

process.exitCode = await main()
