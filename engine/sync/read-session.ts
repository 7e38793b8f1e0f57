/**
 * Which version of a file each of its open descriptors reads.
 *
 * Owns:  the count of replacements of one file's content.
 * Keeps: a descriptor never sees two versions. Only one from which nobody has seen a byte yet goes
 *        on with the newer version; every other one is stale from then on.
 */
import { PailError } from '../../shared/errors.ts'
import type { Reader } from './read-version.ts'

/** One open's view: notices that the file became another version under it. */
export type ReadSession = {
  epoch: number
  reader: Reader | undefined
  version: string
  /** Bytes read in order from the start. */
  readTo: number
  /** Nobody can have seen bytes through it, not even from pages that the kernel keeps. */
  isUnseen: boolean
  /** Of the bytes that its reader fetched, those that `takeFetchedBytes` has told. */
  toldBytes: number
}

/** Bytes fetched for the session since the last call. */
export function takeFetchedBytes(session: ReadSession): number {
  const fetched = session.reader?.fetchedBytes ?? 0
  const bytes = fetched - session.toldBytes
  session.toldBytes = fetched
  return bytes
}

export class ReadSessions {
  readonly #id: number
  /** Rises when the bucket's version replaced this one: older sessions are stale. */
  #epoch = 0
  #newest: ReadSession | undefined

  /** @param id the file's node, for messages */
  constructor(id: number) {
    this.#id = id
  }

  /** @param isUnseen no other descriptor is open, and no page of the file is kept anywhere */
  open(isUnseen: boolean): ReadSession {
    const session = {
      epoch: this.#epoch,
      reader: undefined,
      version: '',
      readTo: 0,
      isUnseen,
      toldBytes: 0,
    }
    this.#newest = session
    return session
  }

  close(session: ReadSession): void {
    session.reader?.close()
    session.reader = undefined
    session.version = ''
    session.toldBytes = 0
  }

  noteReplaced(): void {
    this.#epoch++
  }

  /** @throws PailError `vfs/stale` for a session of an older version */
  check(session: ReadSession): void {
    if (session.epoch === this.#epoch) return
    throw new PailError('vfs/stale', `node ${this.#id} was replaced in the bucket`)
  }

  /**
   * Runs one read of a session. What was read of a version that the session has left meanwhile is
   * read again.
   */
  async read(session: ReadSession, read: () => Promise<number>): Promise<number> {
    for (;;) {
      this.check(session)
      const { epoch } = session
      try {
        const count = await read()
        if (session.epoch !== epoch) continue
        session.isUnseen = false
        return count
      } catch (thrown) {
        if (session.epoch === epoch) throw thrown
      }
    }
  }

  /** May this session leave its version? Not when another descriptor was opened since. */
  canRestart(session: ReadSession): boolean {
    return session.isUnseen && session === this.#newest
  }

  /** The session goes on with the newest version. @returns false when that would mix versions */
  restart(session: ReadSession): boolean {
    if (!this.canRestart(session)) return false
    this.close(session)
    session.epoch = this.#epoch
    return true
  }
}
