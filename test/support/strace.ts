/**
 * From a recording by strace to the list of what a program did with the files of one folder (pure).
 *
 * Record with `strace -ff -ttt -y -s 0 -e trace=%file,%desc,%process -o FOLDER/t PROGRAM`, one file
 * for each process. Only calls that succeeded count, and only those that a file system could answer
 * in another way: what was read, written, named, sized, synced.
 */
import { posix } from 'node:path'

/** One operation: a word, an open file's number or a name, and numbers or another name. */
export type TraceStep = readonly [what: string, ...operands: ReadonlyArray<string | number>]

/** An open file, shared by descriptors that were duplicated or inherited. */
type Description = { readonly file: number; position: number; isAppending: boolean; users: number }
type Descriptors = Map<number, Description>
type Process = { descriptors: Descriptors; cwd: string }

type Call = {
  readonly pid: number
  readonly time: number
  readonly name: string
  readonly args: readonly string[]
  readonly result: number
}

const LINE = /^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+|\?)/
const WRITES = /O_(WRONLY|RDWR|CREAT|TRUNC)/
/** Flags that say what happens to the file, in the order in which they are told. */
const FLAGS = ['O_WRONLY', 'O_RDWR', 'O_CREAT', 'O_EXCL', 'O_TRUNC', 'O_APPEND', 'O_DIRECTORY']

/** @param text of one process; @returns its calls that succeeded, oldest first */
export function parseCalls(pid: number, text: string): Call[] {
  return text.split('\n').flatMap((line) => {
    const [, time, name, args, result] = LINE.exec(line) ?? []
    if (time === undefined || name === undefined || Number(result) < 0) return []
    // A process that ends gets no answer.
    const call = { pid, time: Number(time), name, result: result === '?' ? 0 : Number(result) }
    return [{ ...call, args: splitArguments(args ?? '') }]
  })
}

/** At commas that are in no quotes, braces or brackets. */
function splitArguments(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '"' && text[at - 1] !== '\\') isQuoted = !isQuoted
    if (isQuoted) continue
    if ('{[('.includes(character)) depth += 1
    if ('}])'.includes(character)) depth -= 1
    if (character !== ',' || depth > 0) continue
    parts.push(text.slice(start, at).trim())
    start = at + 1
  }
  return [...parts, text.slice(start).trim()]
}

/** Reduces the calls of one run to what happened below `folder`. */
export class TraceReducer {
  readonly steps: TraceStep[] = []
  readonly #folder: string
  readonly #processes = new Map<number, Process>()
  #files = 0

  /** @param folder absolute; the program was started in it */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** @param calls of all processes, oldest first */
  reduce(calls: readonly Call[]): readonly TraceStep[] {
    for (const call of calls) this.#take(call)
    return this.steps
  }

  #process(pid: number): Process {
    let process = this.#processes.get(pid)
    if (!process) {
      process = { descriptors: new Map(), cwd: this.#folder }
      this.#processes.set(pid, process)
    }
    return process
  }

  #take(call: Call): void {
    const process = this.#process(call.pid)
    switch (call.name) {
      case 'clone':
      case 'clone3':
      case 'fork':
      case 'vfork':
        this.#fork(process, call)
        break
      case 'chdir':
        process.cwd = posix.resolve(process.cwd, quoted(call.args[0]))
        break
      case 'openat':
      case 'open':
      case 'creat':
        this.#open(process, call)
        break
      case 'exit_group':
        for (const fd of process.descriptors.keys()) this.#close(process, fd)
        break
      default:
        if (!this.#byDescriptor(process, call)) this.#byName(process, call)
    }
  }

  #fork(process: Process, { args, result }: Call): void {
    if (args.some((arg) => arg.includes('CLONE_FILES'))) {
      this.#processes.set(result, process)
      return
    }
    for (const description of process.descriptors.values()) description.users += 1
    this.#processes.set(result, { ...process, descriptors: new Map(process.descriptors) })
  }

  #open(process: Process, { name, args, result }: Call): void {
    const at = name === 'openat' ? 1 : 0
    const path = this.#nameOf(process, args[at], name === 'openat' ? args[0] : undefined)
    if (path === undefined) return
    const told = name === 'creat' ? 'O_WRONLY|O_CREAT|O_TRUNC' : (args[at + 1] ?? '')
    const flags = FLAGS.filter((flag) => told.split('|').includes(flag))
    const file = ++this.#files
    const isAppending = flags.includes('O_APPEND')
    process.descriptors.set(result, { file, position: 0, isAppending, users: 1 })
    const mode =
      WRITES.test(told) && told.includes('O_CREAT') ? [modeOf(args[at + 2] ?? '0666')] : []
    this.#say('open', file, path, flags.join('|') || 'O_RDONLY', ...mode)
  }

  #close(process: Process, fd: number): void {
    const description = process.descriptors.get(fd)
    process.descriptors.delete(fd)
    if (description === undefined) return
    description.users -= 1
    // The file system is told of each close, and of the last one once more.
    this.#say(description.users === 0 ? 'close' : 'flush', description.file)
  }

  /** @returns whether the call was about an open file, of the folder or not */
  #byDescriptor(process: Process, call: Call): boolean {
    const fd = /^(\d+)</.exec(call.args[0] ?? '')?.[1]
    if (fd === undefined) return false
    const open = process.descriptors.get(Number(fd))
    if (!open) return !/at2?$/.test(call.name)
    if (call.name === 'close') this.#close(process, Number(fd))
    else if (isDuplication(call)) this.#duplicate(process, open, call)
    else if (!this.#moved(open, call)) this.#controlled(open, call)
    return true
  }

  #duplicate(process: Process, open: Description, { name, result }: Call): void {
    if (name === 'dup2' || name === 'dup3') this.#close(process, result)
    open.users += 1
    process.descriptors.set(result, open)
  }

  /** Bytes that came or went. */
  #moved(open: Description, { name, args, result }: Call): boolean {
    switch (name) {
      case 'lseek':
        open.position = result
        return true
      case 'read':
      case 'readv':
        this.#move('read', open, result)
        return true
      case 'write':
      case 'writev':
        this.#move(open.isAppending ? 'append' : 'write', open, result)
        return true
      case 'pread64':
      case 'pwrite64': {
        const what = name === 'pread64' ? 'read' : 'write'
        if (result > 0) this.#say(what, open.file, Number(args[3]), result)
        return true
      }
      default:
        return false
    }
  }

  /** What else is done with an open file; the rest asks, and changes nothing. */
  #controlled({ file }: Description, { name, args }: Call): void {
    if (name === 'ftruncate') this.#say('size', file, Number(args[1]))
    else if (name === 'fsync' || name === 'fdatasync') this.#say('sync', file)
    else if (name === 'fchmod') this.#say('mode', file, modeOf(args[1]))
    else if (name === 'utimensat') this.#say('times', file)
    else if (CANNOT_REPLAY.test(name)) throw new Error(`${name} has no step of its own yet`)
  }

  #move(what: 'read' | 'write' | 'append', open: Description, sizeBytes: number): void {
    if (sizeBytes === 0) return
    this.#say(what, open.file, ...(what === 'append' ? [] : [open.position]), sizeBytes)
    open.position += sizeBytes
  }

  #byName(process: Process, { name, args }: Call): void {
    const [what, isAt] = NAMED[name] ?? []
    if (what === undefined) return
    const first = isAt ? this.#nameOf(process, args[1], args[0]) : this.#nameOf(process, args[0])
    if (what === 'rename' || what === 'link') {
      const to = isAt ? this.#nameOf(process, args[3], args[2]) : this.#nameOf(process, args[1])
      if (first !== undefined && to !== undefined) this.#say(what, first, to)
      return
    }
    if (what === 'symlink') {
      const link = isAt ? this.#nameOf(process, args[2], args[1]) : this.#nameOf(process, args[1])
      if (link !== undefined) this.#say(what, link, quoted(args[0]))
      return
    }
    if (first === undefined) return
    if (what === 'unlink' && args[2] === 'AT_REMOVEDIR') this.#say('rmdir', first)
    else if (what === 'mode' || what === 'mkdir') this.#say(what, first, modeOf(args[isAt ? 2 : 1]))
    else if (what === 'size') this.#say(what, first, Number(args[1]))
    else this.#say(what, first)
  }

  #say(...step: TraceStep): void {
    this.steps.push(step)
  }

  /** The name below the folder; undefined: elsewhere, or the folder itself. */
  #nameOf(process: Process, argument: string | undefined, dir?: string): string | undefined {
    const base = /<(.*)>$/.exec(dir ?? '')?.[1] ?? process.cwd
    const path = posix.resolve(base, quoted(argument))
    return path.startsWith(`${this.#folder}/`) ? path.slice(this.#folder.length + 1) : undefined
  }
}

/** Changes of content for which there is no step, because no recording needed one. */
const CANNOT_REPLAY = /^(fallocate|copy_file_range|sendfile|splice|pwritev2?)$/

const isDuplication = ({ name, args }: Call) =>
  /^dup[23]?$/.test(name) || (name === 'fcntl' && args[1]?.startsWith('F_DUPFD') === true)

/** Calls about names: what they do, and whether a folder's descriptor comes first. */
const NAMED: Readonly<Record<string, readonly [string, boolean]>> = {
  rename: ['rename', false],
  renameat: ['rename', true],
  renameat2: ['rename', true],
  link: ['link', false],
  linkat: ['link', true],
  symlink: ['symlink', false],
  symlinkat: ['symlink', true],
  unlink: ['unlink', false],
  unlinkat: ['unlink', true],
  mkdir: ['mkdir', false],
  mkdirat: ['mkdir', true],
  rmdir: ['rmdir', false],
  chmod: ['mode', false],
  fchmodat: ['mode', true],
  truncate: ['size', false],
  utimensat: ['times', true],
}

/** strace names no kind of file here: a mode may carry its bits, which say nothing new. */
const modeOf = (text: string | undefined) => text?.replace(/^010(?=\d{4}$)/, '0').slice(-4) ?? ''

const quoted = (text: string | undefined) => /^"(.*)"$/.exec(text ?? '')?.[1] ?? ''

/** One step per line; names keep no white space. */
export function formatSteps(steps: readonly TraceStep[]): string {
  const word = (operand: string | number) => String(operand).replace(/[\s%]/g, encodeURIComponent)
  return `${steps.map((step) => step.map(word).join(' ')).join('\n')}\n`
}

export function parseSteps(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => line.split(' ').map(decodeURIComponent))
}
