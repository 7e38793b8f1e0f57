/** Runs that were kept, put together as one: each counts as further runs of the first. */
import { readFileSync } from 'node:fs'
import type { Results } from './schedule.ts'

/** @param paths of files that `npm run bench` wrote, the leading one first */
export function readEarlier(paths: readonly string[]): Results {
  const [first, ...others] = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Results)
  if (!first) throw new Error('no file of an earlier run is named')
  return others.reduce(joined, first)
}

function joined(one: Results, other: Results): Results {
  const later = other.cells.map((cell) => ({ ...cell, run: cell.run + one.runs }))
  const memory = one.memory.length > 0 ? one.memory : other.memory
  const promises = one.promises?.length ? one.promises : other.promises
  return {
    ...one,
    cells: [...one.cells, ...later],
    memory,
    ...(promises ? { promises } : {}),
    runs: one.runs + other.runs,
    minutes: one.minutes + other.minutes,
  }
}
