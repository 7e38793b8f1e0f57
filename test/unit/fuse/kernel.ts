/** The kernel's side of the protocol, for tests of the dispatcher: makes requests, reads replies. */

import type { LogLevel } from '../../../engine/base/log.ts'
import { FuseDispatcher } from '../../../engine/fuse/dispatcher.ts'
import { Opcode } from '../../../engine/fuse/wire/constants.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryVfs } from '../../support/memory-vfs.ts'

export type Reply = { readonly error: number; readonly unique: bigint; readonly body: Buffer }
type Fields = { readonly node?: number; readonly unique?: bigint; readonly body?: Buffer }

/** A body from 32-bit and 64-bit little-endian numbers (bigint) and strings (with their NUL). */
export function pack(...parts: ReadonlyArray<number | bigint | string | Buffer>): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`)
      if (typeof part !== 'number' && typeof part !== 'bigint') return part
      const bytes = Buffer.alloc(typeof part === 'number' ? 4 : 8)
      if (typeof part === 'number') bytes.writeUInt32LE(part)
      else bytes.writeBigUInt64LE(part)
      return bytes
    }),
  )
}

export function requestBytes(opcode: number, fields: Fields = {}): Buffer {
  const body = fields.body ?? Buffer.alloc(0)
  const header = Buffer.alloc(40)
  header.writeUInt32LE(40 + body.length, 0)
  header.writeUInt32LE(opcode, 4)
  header.writeBigUInt64LE(fields.unique ?? 0n, 8)
  header.writeBigUInt64LE(BigInt(fields.node ?? 1), 16)
  header.writeUInt32LE(1000, 24)
  header.writeUInt32LE(1001, 28)
  header.writeUInt32LE(4242, 32)
  return Buffer.concat([header, body])
}

export class FakeKernel {
  readonly vfs: MemoryVfs
  readonly clock = new FakeClock()
  readonly dispatcher: FuseDispatcher
  readonly notifications: Buffer[] = []
  readonly logged: Array<{ level: LogLevel; event: string; facts: unknown }> = []
  notify: (message: Buffer) => Promise<void> = async (message) => {
    this.notifications.push(message)
  }
  #unique = 2n

  constructor(options: { root?: number } = {}) {
    this.vfs = new MemoryVfs(options)
    this.dispatcher = new FuseDispatcher({
      vfs: this.vfs,
      clock: this.clock,
      notify: (message) => this.notify(message),
      log: { write: (level, event, facts) => this.logged.push({ level, event, facts }) },
    })
  }

  static async started(options: { root?: number; minor?: number } = {}): Promise<FakeKernel> {
    const kernel = new FakeKernel(options)
    await kernel.init(options.minor)
    return kernel
  }

  init(minor = 45): Promise<Reply> {
    return this.ask(Opcode.INIT, { body: pack(7, minor, 131_072, 0x7fffffff) })
  }

  get errors(): string[] {
    return this.logged.filter(({ level }) => level === 'error').map(({ event }) => event)
  }

  nextUnique(): bigint {
    this.#unique += 2n
    return this.#unique
  }

  /** Sends a request that has to be answered, and checks what every reply keeps. */
  async ask(opcode: number, fields: Fields = {}): Promise<Reply> {
    const unique = fields.unique ?? this.nextUnique()
    const reply = await this.dispatcher.dispatch(requestBytes(opcode, { ...fields, unique }))
    if (!reply) throw new Error(`no reply to ${opcode}`)
    if (reply.readUInt32LE(0) !== reply.length) throw new Error('the reply has another length')
    if (reply.readBigUInt64LE(8) !== unique) throw new Error('the reply is for another request')
    return { error: Math.abs(reply.readInt32LE(4)), unique, body: reply.subarray(16) }
  }

  /** Sends a request that has no answer. */
  async tell(opcode: number, fields: Fields = {}): Promise<void> {
    const reply = await this.dispatcher.dispatch(requestBytes(opcode, fields))
    if (reply) throw new Error(`a reply to ${opcode}, which has none`)
  }

  lookup(name: string, node = 1): Promise<Reply> {
    return this.ask(Opcode.LOOKUP, { node, body: pack(name) })
  }

  /** @returns the node number and handle of a new open file */
  async create(name: string, flags = 0o2): Promise<{ node: number; handle: bigint }> {
    const reply = await this.ask(Opcode.CREATE, { body: pack(flags, 0o100644, 0, 0, name) })
    if (reply.error) throw new Error(`create failed with ${reply.error}`)
    return { node: nodeOf(reply), handle: reply.body.readBigUInt64LE(128) }
  }

  async opendir(node = 1): Promise<bigint> {
    return (await this.ask(Opcode.OPENDIR, { node, body: pack(0, 0) })).body.readBigUInt64LE(0)
  }

  read(node: number, handle: bigint, sizeBytes: number, opcode: number = Opcode.READ, offset = 0n) {
    return this.ask(opcode, { node, body: pack(handle, offset, sizeBytes, 0, 0n, 0, 0) })
  }

  write(
    file: { node: number; handle: bigint },
    offset: bigint,
    data: string,
    writeFlags = 0,
  ): Promise<Reply> {
    const bytes = Buffer.from(data)
    const body = pack(file.handle, offset, bytes.length, writeFlags, 0n, 0, 0, bytes)
    return this.ask(Opcode.WRITE, { node: file.node, body })
  }
}

/** The node number at the start of an entry. */
export function nodeOf(reply: Reply): number {
  return Number(reply.body.readBigUInt64LE(0))
}

/** Entries of a READDIRPLUS reply. */
export function entriesOf(reply: Reply): Array<{ name: string; node: number; cookie: bigint }> {
  const entries = []
  for (let at = 0; at < reply.body.length; ) {
    const nameBytes = reply.body.readUInt32LE(at + 128 + 16)
    entries.push({
      node: Number(reply.body.readBigUInt64LE(at)),
      cookie: reply.body.readBigUInt64LE(at + 128 + 8),
      name: reply.body.toString('utf8', at + 152, at + 152 + nameBytes),
    })
    at += Math.ceil((152 + nameBytes) / 8) * 8
  }
  return entries
}
