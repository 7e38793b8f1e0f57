/**
 * How programs that run on other systems save a document, as sequences of system calls, and the run
 * of one of them. Programs of Linux stand in `save-traces`, as they were recorded.
 *
 * From the programs' own sources and documentation: VS Code (fs.promises with truncation, and its
 * atomic form), IntelliJ (safe write), Word (KB 211632), Excel (KB 214073), macOS documents (a folder
 * beside the document).
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'

/** What a step writes: the document before, after, or something of the program's own. */
type Content = 'old' | 'new' | 'own'

export type SaveStep =
  | readonly ['create' | 'overwrite' | 'edit', name: string]
  | readonly ['write', name: string, content: Content]
  | readonly ['truncate', name: string]
  | readonly ['sync' | 'close', name: string]
  | readonly ['rename', from: string, to: string]
  | readonly ['unlink' | 'mkdir' | 'rmdir' | 'link', name: string]
  | readonly ['chmod', name: string, mode: number]
  | readonly ['times', name: string]

export type SaveSequence = {
  readonly steps: readonly SaveStep[]
}

/** The document. */
export const DOCUMENT = 'report.doc'
const D = DOCUMENT

/** Opens, writes and closes a file of another name. */
const whole = (how: 'create' | 'overwrite', name: string, content: Content) =>
  [
    [how, name],
    ['write', name, content],
    ['close', name],
  ] as const satisfies readonly SaveStep[]

const synced = (how: 'create' | 'overwrite', name: string, content: Content) =>
  [
    [how, name],
    ['write', name, content],
    ['sync', name],
    ['close', name],
  ] as const satisfies readonly SaveStep[]

export const SAVE_SEQUENCES: Readonly<Record<string, SaveSequence>> = {
  'VS Code': {
    steps: [
      ['edit', D],
      ['truncate', D],
      ['write', D, 'new'],
      ['sync', D],
      ['close', D],
    ],
  },
  'VS Code, atomically': {
    steps: [...synced('create', `${D}.vsctmp`, 'new'), ['rename', `${D}.vsctmp`, D]],
  },
  'JetBrains safe write': {
    steps: [
      ...synced('create', `${D}___jb_tmp___`, 'new'),
      ['rename', D, `${D}___jb_old___`],
      ['rename', `${D}___jb_tmp___`, D],
      ['unlink', `${D}___jb_old___`],
    ],
  },
  Word: {
    steps: [
      ...whole('create', `~$port.doc`, 'own'),
      ...whole('create', '~WRD0000.tmp', 'own'),
      ...synced('overwrite', '~WRD0000.tmp', 'new'),
      ['rename', D, '~WRL0001.tmp'],
      ['rename', '~WRD0000.tmp', D],
      ['times', D],
      ['unlink', '~WRL0001.tmp'],
      ['unlink', '~$port.doc'],
    ],
  },
  Excel: {
    steps: [
      ...whole('create', `~$${D}`, 'own'),
      ...synced('create', '5AC1E400', 'new'),
      ['unlink', D],
      ['rename', '5AC1E400', D],
      ['unlink', `~$${D}`],
    ],
  },
  'Preview and other documents of macOS': {
    steps: [
      ['mkdir', `${D}.sb-4f1c2d3e-Ab12Cd`],
      ...synced('create', `${D}.sb-4f1c2d3e-Ab12Cd/${D}`, 'new'),
      ['chmod', `${D}.sb-4f1c2d3e-Ab12Cd/${D}`, 0o644],
      ['rename', `${D}.sb-4f1c2d3e-Ab12Cd/${D}`, D],
      ['rmdir', `${D}.sb-4f1c2d3e-Ab12Cd`],
    ],
  },
  'a program that keeps a hard link as its backup, where there are hard links': {
    steps: [
      ['link', `${D}.bak`],
      ...synced('create', `${D}.tmp`, 'new'),
      ['rename', `${D}.tmp`, D],
    ],
  },
}

const FLAGS = { create: 'wx', overwrite: 'w', edit: 'r+' } as const

/** Does the steps in `dir`, as one program would. */
export async function save(
  dir: string,
  { steps }: SaveSequence,
  contents: Readonly<Record<Content, Uint8Array>>,
): Promise<void> {
  const open = new Map<string, fs.FileHandle>()
  const handle = (name: string): fs.FileHandle => {
    const found = open.get(name)
    if (!found) throw new Error(`${name} is not open`)
    return found
  }
  for (const [what, name, more] of steps) {
    const path = join(dir, name)
    switch (what) {
      case 'create':
      case 'overwrite':
      case 'edit':
        open.set(name, await fs.open(path, FLAGS[what]))
        break
      case 'write':
        await handle(name).writeFile(contents[more])
        break
      case 'truncate':
        await handle(name).truncate(0)
        break
      case 'sync':
        await handle(name).sync()
        break
      case 'close':
        await handle(name).close()
        open.delete(name)
        break
      case 'rename':
        await fs.rename(path, join(dir, more))
        break
      case 'unlink':
        await fs.unlink(path)
        break
      case 'mkdir':
        await fs.mkdir(path)
        break
      case 'rmdir':
        await fs.rmdir(path)
        break
      case 'link':
        // Refused, which such programs take for an answer.
        await fs.link(join(dir, DOCUMENT), path).catch((thrown: NodeJS.ErrnoException) => {
          if (thrown.code !== 'EPERM') throw thrown
        })
        break
      case 'chmod':
        await fs.chmod(path, more)
        break
      case 'times':
        await fs.utimes(path, new Date(), new Date())
        break
    }
  }
}
