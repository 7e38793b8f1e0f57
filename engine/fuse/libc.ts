/**
 * The few calls of the C library that Node does not offer, through koffi. Linux on 64 bits.
 *
 * Keeps: a failed call returns the negative error number, as system calls do; nothing throws.
 * Never: uses `koffi.view` (it aborts Electron) or callbacks from foreign threads.
 */
import { errno, load, pointer, struct } from 'koffi'
import { PailError } from '../../shared/errors.ts'
import { ERRNO } from './wire/errno.ts'

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2000000
const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000
const F_SETFD = 2
const F_GETFL = 3
const F_SETFL = 4
const FD_CLOEXEC = 1
const O_NONBLOCK = 0o4000
const MSG_DONTWAIT = 0x40
const MSG_CMSG_CLOEXEC = 0x40000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
/** struct pollfd: descriptor, wanted events, found events. */
const POLL_ENTRY_BYTES = 8
const POLLIN = 1
/** struct cmsghdr (length, level, type), then one descriptor, padded. */
const CONTROL_BYTES = 24
const CONTROL_DATA_AT = 16

export const MountFlag = { RDONLY: 1, NOSUID: 2, NODEV: 4 } as const
export const UnmountFlag = { DETACH: 2, NOFOLLOW: 8 } as const

const Vector = struct({ base: 'void *', length: 'size_t' })
const Message = struct({
  name: 'void *',
  nameLength: 'uint32_t',
  vectors: pointer(Vector),
  vectorCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
})

const library = load(null)
const C = {
  read: library.func('long read(int fd, void *into, size_t count)'),
  write: library.func('long write(int fd, const void *from, size_t count)'),
  poll: library.func('int poll(void *entries, unsigned long count, int timeoutMs)'),
  eventfd: library.func('int eventfd(unsigned int initial, int flags)'),
  fcntl: library.func('int fcntl(int fd, int command, ...)'),
  dup2: library.func('int dup2(int from, int to)'),
  socketpair: library.func('int socketpair(int domain, int type, int protocol, _Out_ int *pair)'),
  recvmsg: library.func('recvmsg', 'long', ['int', pointer(Message), 'int']),
  mount: library.func('int mount(str source, str dir, str type, unsigned long flags, str data)'),
  umount2: library.func('int umount2(str dir, int flags)'),
}

/** @returns bytes read, or the negative error number */
export function read(fd: number, into: Buffer): number {
  return orErrno(C.read(fd, into, into.length))
}

/** @returns bytes written, or the negative error number */
export function write(fd: number, from: Buffer): number {
  return orErrno(C.write(fd, from, from.length))
}

/** A counter that poll(2) can wait for. */
export function eventDescriptor(): number {
  return orErrno(C.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
}

/**
 * Waits, on a pool thread, until one of the descriptors can be read or has failed.
 * @returns those descriptors
 */
export function pollReadable(descriptors: readonly number[]): Promise<number[]> {
  const entries = Buffer.alloc(descriptors.length * POLL_ENTRY_BYTES)
  descriptors.forEach((fd, index) => {
    entries.writeInt32LE(fd, index * POLL_ENTRY_BYTES)
    entries.writeInt16LE(POLLIN, index * POLL_ENTRY_BYTES + 4)
  })
  return new Promise((resolve, reject) => {
    C.poll.async(entries, descriptors.length, -1, (failure: unknown, result: number) => {
      if (failure) return reject(failure)
      const number = orErrno(result)
      if (number < 0 && number !== -ERRNO.EINTR) return reject(failedCall('poll', number))
      resolve(
        descriptors.filter((_, index) => entries.readInt16LE(index * POLL_ENTRY_BYTES + 6) !== 0),
      )
    })
  })
}

/** Reads never block, and programs that this process starts do not inherit the descriptor. */
export function makePrivateAndNonBlocking(fd: number): number {
  const closed = orErrno(C.fcntl(fd, F_SETFD, 'int', FD_CLOEXEC))
  const flags = orErrno(C.fcntl(fd, F_GETFL, 'int', 0))
  if (closed < 0 || flags < 0) return Math.min(closed, flags)
  return orErrno(C.fcntl(fd, F_SETFL, 'int', flags | O_NONBLOCK))
}

/** `to` means what `from` means, in one step: what it meant before is closed. */
export function replaceDescriptor(from: number, to: number): number {
  return orErrno(C.dup2(from, to))
}

/** Two connected local sockets, not inherited. */
export function socketPair(): readonly [number, number] | number {
  const pair = [-1, -1]
  const result = orErrno(C.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
  const [first = -1, second = -1] = pair
  return result < 0 ? result : [first, second]
}

/**
 * Takes one descriptor that the other side passed (SCM_RIGHTS). Does not wait.
 * @returns the descriptor; undefined when the other side closed without passing one; or the
 *   negative error number
 */
export function receiveDescriptor(socket: number): number | undefined {
  const control = Buffer.alloc(CONTROL_BYTES)
  const message = {
    name: null,
    nameLength: 0,
    vectors: [{ base: Buffer.alloc(1), length: 1 }],
    vectorCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  }
  const received = orErrno(C.recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC))
  if (received < 0) return received
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS
  return received > 0 && isRights ? control.readInt32LE(CONTROL_DATA_AT) : undefined
}

export function mount(parts: {
  source: string
  dir: string
  type: string
  flags: number
  data: string
}): number {
  return orErrno(C.mount(parts.source, parts.dir, parts.type, parts.flags, parts.data))
}

/** On a pool thread: while it flushes, the kernel asks the very process that unmounts. */
export function unmount(dir: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    C.umount2.async(dir, flags, (failure: unknown, result: number) => {
      if (failure) return reject(failure)
      resolve(orErrno(result))
    })
  })
}

export function failedCall(name: string, result: number): PailError {
  return new PailError('internal/bug', `${name} failed with error ${-result}`)
}

function orErrno(result: number): number {
  return result < 0 ? -errno() : result
}
