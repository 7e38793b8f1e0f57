/** Which function serves which operation of the kernel. */
import { Opcode } from '../wire/constants.ts'
import { ERRNO } from '../wire/errno.ts'
import * as attributes from './attributes.ts'
import * as directories from './directories.ts'
import * as files from './files.ts'
import * as names from './names.ts'
import type { Operation } from './operation.ts'
import * as xattrs from './xattrs.ts'

export const OPERATIONS: ReadonlyMap<number, Operation> = new Map([
  [Opcode.LOOKUP, names.lookup],
  [Opcode.READLINK, names.readlink],
  [Opcode.SYMLINK, names.symlink],
  [Opcode.MKNOD, names.mknod],
  [Opcode.MKDIR, names.mkdir],
  [Opcode.UNLINK, names.unlink],
  [Opcode.RMDIR, names.rmdir],
  [Opcode.RENAME, names.rename],
  [Opcode.RENAME2, names.rename2],
  [Opcode.GETATTR, attributes.getattr],
  [Opcode.SETATTR, attributes.setattr],
  [Opcode.ACCESS, attributes.access],
  [Opcode.STATFS, attributes.statfs],
  [Opcode.DESTROY, attributes.destroy],
  [Opcode.SETXATTR, xattrs.setxattr],
  [Opcode.GETXATTR, xattrs.getxattr],
  [Opcode.LISTXATTR, xattrs.listxattr],
  [Opcode.REMOVEXATTR, xattrs.removexattr],
  [Opcode.OPEN, files.open],
  [Opcode.CREATE, files.create],
  [Opcode.READ, files.read],
  [Opcode.WRITE, files.write],
  [Opcode.FLUSH, files.flush],
  [Opcode.FSYNC, files.fsync],
  [Opcode.FALLOCATE, files.fallocate],
  [Opcode.LSEEK, files.lseek],
  [Opcode.COPY_FILE_RANGE, files.copyFileRange],
  [Opcode.RELEASE, files.release],
  [Opcode.OPENDIR, directories.opendir],
  [Opcode.READDIR, directories.readdir],
  [Opcode.READDIRPLUS, directories.readdirplus],
  [Opcode.FSYNCDIR, files.fsync],
  [Opcode.RELEASEDIR, files.release],
])

/**
 * Answered without looking. Everything that is in neither table gets ENOSYS, which the kernel
 * remembers and does not ask again: POLL, TMPFILE, and operations newer than this code.
 */
export const REFUSALS: ReadonlyMap<number, number> = new Map([
  [Opcode.LINK, ERRNO.EPERM],
  [Opcode.IOCTL, ERRNO.ENOTTY],
])
