/** Operations on open directories. */
import { PailError } from '../../../shared/errors.ts'
import { assert } from '../../base/assert.ts'
import type { DirectoryEntry, NodeId, Target } from '../../vfs/vfs.ts'
import { DirentPage, type WireDirent } from '../wire/dirents.ts'
import { encodeOpen } from '../wire/replies.ts'
import { decodeRead } from '../wire/requests.ts'
import { type Call, checkSize, type Operation, type Session, wireNode } from './operation.ts'

/** Positions after `.` and `..`; the file system's own cookies are above. */
const COOKIE_AFTER_DOT = 1
const COOKIE_AFTER_DOTS = 2
/** FUSE_NAME_MAX: one longer name makes the kernel refuse the whole page. */
const NAME_BYTES_MAX = 1024

/** Without FOPEN_CACHE_DIR: from its own cache the kernel lists names alone, see wire/init.ts. */
export const opendir: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const handle = await session.vfs.openDirectory(call.context, id)
  session.handles.add(handle, { id, appends: false })
  return encodeOpen(call.unique, { handle, flags: 0 })
}

export const readdir: Operation = (session, call) => list(session, call, false)
export const readdirplus: Operation = (session, call) => list(session, call, true)

type Listing = { readonly page: DirentPage; readonly withAttributes: boolean }

async function list(session: Session, call: Call, withAttributes: boolean): Promise<Buffer> {
  const id = session.nodes.require(call.node)
  const request = decodeRead(call.body)
  checkSize(request.sizeBytes)
  const target = session.handles.require(request.handle, id)
  const listing = { page: new DirentPage(request.sizeBytes, withAttributes), withAttributes }
  const hasRoom = addDots(session, id, request.offset, listing.page)
  const isComplete = hasRoom && (await addEntries(session, call, target, request.offset, listing))
  // An empty page would mean the end of the directory.
  if (listing.page.isEmpty && !isComplete) {
    throw new PailError('vfs/invalid', `no entry fits into ${request.sizeBytes} bytes`)
  }
  return listing.page.finish(call.unique)
}

/** @returns false when the page is full */
function addDots(session: Session, id: NodeId, cookie: number, page: DirentPage): boolean {
  const dots: readonly WireDirent[] = [
    { name: '.', cookie: COOKIE_AFTER_DOT, node: session.nodes.toWire(id), kind: 'directory' },
    { name: '..', cookie: COOKIE_AFTER_DOTS, node: parentNode(session, id), kind: 'directory' },
  ]
  return dots.slice(cookie).every((dot) => page.tryAdd(dot))
}

function parentNode(session: Session, id: NodeId): number {
  return session.nodes.toWire(id === session.vfs.root ? id : session.vfs.parentOf(id).id)
}

/** @returns true when the directory has no more entries */
async function addEntries(
  session: Session,
  call: Call,
  target: Target,
  from: number,
  listing: Listing,
): Promise<boolean> {
  let cookie = from <= COOKIE_AFTER_DOTS ? 0 : from
  while (listing.page.roomMax > 0) {
    const found = await session.vfs.readdir(call.context, target, cookie, listing.page.roomMax)
    for (const entry of found.entries) {
      if (!addEntry(session, entry, listing)) return false
      cookie = entry.cookie
    }
    if (found.isEnd) return true
    assert(found.entries.length > 0, 'a page that is not the last one has entries')
  }
  return false
}

/** @returns false when it does not fit any more; only what is really sent counts as a lookup */
function addEntry(session: Session, entry: DirectoryEntry, listing: Listing): boolean {
  if (!isServable(entry.name)) {
    session.log.write('warn', 'fuse/name-not-servable', { id: entry.attributes.id })
    return true
  }
  const known = wireNode(session, entry.attributes)
  const dirent: WireDirent = {
    name: entry.name,
    cookie: entry.cookie,
    node: known.node,
    kind: entry.attributes.kind,
  }
  if (!listing.withAttributes) return listing.page.tryAdd(dirent)
  if (!listing.page.tryAdd(dirent, { entry: known, timeouts: session.timeouts })) return false
  session.nodes.remember(entry.attributes.id)
  return true
}

/** One name that the kernel does not accept would cost the program the whole listing. */
function isServable(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return false
  return Buffer.byteLength(name) <= NAME_BYTES_MAX
}
