/**
 * Programs at work in a mounted folder while its engine is killed: they make, change, move and
 * remove files, each in a folder of its own, and note what they were promised.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { contentOf, type KillLedger } from './kill-ledger.ts'
import { type Dice, MIB } from './tree.ts'

const PROGRAMS = 4
/** What a call says when the engine is gone. */
const ENGINE_GONE = /^(ENOTCONN|ECONNABORTED|EIO|ENODEV|ENXIO|ESTALE|EINTR)$/
const SMALL_SIZES = [0, 1, 100, 4096, 20_000, 300_000]
const LARGE_SIZES = [MIB, 5 * MIB, 17 * MIB, 24 * MIB]

type Work = { readonly dir: string; readonly ledger: KillLedger; readonly dice: Dice }
type Program = Work & {
  readonly folder: string
  readonly contents: Map<string, Buffer>
  next: number
}

/** Goes on until the engine dies. @throws what a program was refused while the engine lived */
export async function runPrograms(work: Work, isAlive: () => boolean): Promise<void> {
  const programs = Array.from({ length: PROGRAMS }, (_, index) => programIn(work, `p${index}`))
  await Promise.all(programs.map((program) => untilGone(program, isAlive)))
}

function programIn(work: Work, folder: string): Program {
  return { ...work, folder, contents: new Map(), next: 0 }
}

async function untilGone(program: Program, isAlive: () => boolean): Promise<void> {
  try {
    await fs.mkdir(join(program.dir, program.folder), { recursive: true })
    for (;;) await step(program)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? ''
    if (isAlive() || !ENGINE_GONE.test(code)) throw thrown
  }
}

async function step(program: Program): Promise<void> {
  const { dice, ledger } = program
  const there = ledger.present(`${program.folder}/`)
  const chance = dice.below(100)
  if (there.length < 3 || chance < 45) return create(program)
  const path = dice.pick(there)
  if (chance < 55) return overwrite(program, path)
  if (chance < 65) return append(program, path)
  if (chance < 75) return saveByRename(program, path)
  if (chance < 85) return rename(program, path)
  return remove(program, path)
}

function newPath(program: Program): string {
  return `${program.folder}/${program.next++}-${program.dice.below(1e9)}`
}

function newContent({ dice }: Program): Buffer {
  const isLarge = dice.below(100) < 3
  return dice.bytes(dice.pick(isLarge ? LARGE_SIZES : SMALL_SIZES))
}

async function create(program: Program): Promise<void> {
  const path = newPath(program)
  const content = newContent(program)
  await note(program, ['create', path, content], () =>
    fs.writeFile(join(program.dir, path), content),
  )
}

/** In place: truncates, then writes; only the close is a promise. */
async function overwrite(program: Program, path: string): Promise<void> {
  const content = newContent(program)
  await note(program, ['overwrite', path, content], () =>
    fs.writeFile(join(program.dir, path), content),
  )
}

async function append(program: Program, path: string): Promise<void> {
  const old = program.contents.get(path)
  if (!old) return
  const more = program.dice.bytes(1000)
  const content = Buffer.concat([old, more])
  await note(program, ['append', path, content], () => fs.appendFile(join(program.dir, path), more))
}

async function note(
  program: Program,
  [name, path, content]: readonly [string, string, Buffer],
  work: () => Promise<void>,
) {
  await program.ledger.record(name, { [path]: contentOf(content) }, work)
  program.contents.set(path, content)
}

/** As editors save: a new file beside the old one, renamed over it. */
async function saveByRename(program: Program, path: string): Promise<void> {
  const temporary = newPath(program)
  const content = newContent(program)
  await note(program, ['save', temporary, content], () =>
    fs.writeFile(join(program.dir, temporary), content),
  )
  await move(program, temporary, path)
}

async function rename(program: Program, path: string): Promise<void> {
  await move(program, path, newPath(program))
}

async function move(program: Program, from: string, to: string): Promise<void> {
  const { dir, ledger, contents } = program
  const changes = { [from]: undefined, [to]: ledger.promisedAt(from) }
  await ledger.record(`rename ${from} to ${to}`, changes, () =>
    fs.rename(join(dir, from), join(dir, to)),
  )
  const content = contents.get(from)
  contents.delete(from)
  if (content) contents.set(to, content)
}

async function remove(program: Program, path: string): Promise<void> {
  const { dir, ledger, contents } = program
  await ledger.record('remove', { [path]: undefined }, () => fs.unlink(join(dir, path)))
  contents.delete(path)
}
