/**
 * How programs save a document, as sequences of system calls, and the run of one of them.
 *
 * From the programs' own sources and documentation: vim (bufwrite.c), Emacs (fileio.c: backup by
 * renaming), nano, VS Code (fs.promises with truncation, and its atomic form), IntelliJ (safe
 * write), LibreOffice (lock file, temporary file beside it), Word (KB 211632), Excel (KB 214073),
 * macOS documents (a folder beside the document), GLib and Qt (temporary file renamed over), rsync,
 * sed.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'

/** What a step writes: the document before, after, or something of the program's own. */
type Content = 'old' | 'new' | 'own'

export type SaveStep =
  | readonly ['create' | 'open-new' | 'overwrite' | 'edit', name: string]
  | readonly ['write', name: string, content: Content]
  | readonly ['truncate', name: string]
  | readonly ['sync' | 'close' | 'read', name: string]
  | readonly ['rename', from: string, to: string]
  | readonly ['unlink' | 'mkdir' | 'rmdir' | 'sync-folder' | 'link', name: string]
  | readonly ['chmod', name: string, mode: number]
  | readonly ['times', name: string]

export type SaveSequence = {
  readonly steps: readonly SaveStep[]
  /** What is left beside the document, with the content it has. */
  readonly left?: Readonly<Record<string, Content>>
}

/** The document. */
export const DOCUMENT = 'report.doc'
const D = DOCUMENT

/** Opens, writes and closes a file of another name. */
const whole = (how: 'create' | 'open-new' | 'overwrite', name: string, content: Content) =>
  [
    [how, name],
    ['write', name, content],
    ['close', name],
  ] as const satisfies readonly SaveStep[]

const synced = (how: 'create' | 'open-new' | 'overwrite', name: string, content: Content) =>
  [
    [how, name],
    ['write', name, content],
    ['sync', name],
    ['close', name],
  ] as const satisfies readonly SaveStep[]

export const SAVE_SEQUENCES: Readonly<Record<string, SaveSequence>> = {
  'vim, with the backup renamed': {
    steps: [
      ['create', `.${D}.swp`],
      ['write', `.${D}.swp`, 'own'],
      ['read', D],
      ['create', '4913'],
      ['chmod', '4913', 0o644],
      ['close', '4913'],
      ['unlink', '4913'],
      ['rename', D, `${D}~`],
      ...synced('overwrite', D, 'new'),
      ['chmod', D, 0o644],
      ['write', `.${D}.swp`, 'own'],
      ['unlink', `${D}~`],
      ['close', `.${D}.swp`],
      ['unlink', `.${D}.swp`],
    ],
  },
  'vim, with the backup copied': {
    steps: [
      ...whole('create', `.${D}.swp`, 'own'),
      ['read', D],
      ...whole('create', `${D}~`, 'old'),
      ...synced('overwrite', D, 'new'),
      ['unlink', `${D}~`],
      ['unlink', `.${D}.swp`],
    ],
  },
  nano: {
    steps: [
      ...whole('create', `.${D}.swp`, 'own'),
      ['read', D],
      ...whole('overwrite', D, 'new'),
      ['unlink', `.${D}.swp`],
    ],
  },
  'Emacs, with its backup kept': {
    steps: [
      ...whole('create', `.#${D}`, 'own'),
      ...synced('overwrite', `#${D}#`, 'own'),
      ['rename', D, `${D}~`],
      ...synced('open-new', D, 'new'),
      ['chmod', D, 0o644],
      ['unlink', `#${D}#`],
      ['unlink', `.#${D}`],
    ],
    left: { [`${D}~`]: 'old' },
  },
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
  LibreOffice: {
    steps: [
      ...synced('create', `.~lock.${D}#`, 'own'),
      ['read', D],
      ...synced('create', 'lu31415a9b.tmp', 'new'),
      ['rename', 'lu31415a9b.tmp', D],
      ['chmod', D, 0o644],
      ['unlink', `.~lock.${D}#`],
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
  'programs that use GLib': {
    steps: [
      ['create', '.goutputstream-7X2QZ1'],
      ['write', '.goutputstream-7X2QZ1', 'new'],
      ['chmod', '.goutputstream-7X2QZ1', 0o644],
      ['sync', '.goutputstream-7X2QZ1'],
      ['rename', '.goutputstream-7X2QZ1', D],
      ['close', '.goutputstream-7X2QZ1'],
    ],
  },
  'programs that use Qt': {
    steps: [
      ...synced('create', `${D}.hJkQwe`, 'new'),
      ['rename', `${D}.hJkQwe`, D],
      ['sync-folder', '.'],
    ],
  },
  'rsync, by a temporary file': {
    steps: [
      ['create', `.${D}.XyZ123`],
      ['write', `.${D}.XyZ123`, 'new'],
      ['close', `.${D}.XyZ123`],
      ['times', `.${D}.XyZ123`],
      ['chmod', `.${D}.XyZ123`, 0o644],
      ['rename', `.${D}.XyZ123`, D],
    ],
  },
  'sed in place': {
    steps: [...whole('create', 'sedQ1w2E3', 'new'), ['rename', 'sedQ1w2E3', D]],
  },
  'a program that keeps a hard link as its backup, where there are hard links': {
    steps: [
      ['link', `${D}.bak`],
      ...synced('create', `${D}.tmp`, 'new'),
      ['rename', `${D}.tmp`, D],
    ],
  },
}

const FLAGS = { create: 'wx', 'open-new': 'wx', overwrite: 'w', edit: 'r+' } as const

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
      case 'open-new':
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
      case 'read':
        await fs.readFile(path)
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
      case 'sync-folder': {
        const folder = await fs.open(path, 'r')
        await folder.sync()
        await folder.close()
        break
      }
      case 'chmod':
        await fs.chmod(path, more)
        break
      case 'times':
        await fs.utimes(path, new Date(), new Date())
        break
    }
  }
}
