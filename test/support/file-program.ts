/**
 * A program that works with files, in a process of its own: one that hangs can be killed.
 *
 * Bundled and started by file-worker.ts. It talks lines of JSON: `{ id, task }` on standard input, `{ id, result }`
 * on standard output. Tasks run side by side.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Dice } from './tree.ts'

/** Bytes that a seed stands for. */
export type Content = { readonly seed: number; readonly sizeBytes: number }

export type FileTask =
  | { readonly do: 'write'; readonly path: string; readonly content: Content }
  | { readonly do: 'patch'; readonly path: string; readonly at: number; readonly content: Content }
  | { readonly do: 'read'; readonly path: string; readonly expected: Content }
  | { readonly do: 'list' | 'stat' | 'statfs' | 'remove-tree'; readonly path: string }
  | { readonly do: 'rename'; readonly path: string; readonly to: string }

export type FileResult = {
  /** Undefined when all went well; else the error's code. */
  readonly error?: string
  /** What failed first. */
  readonly failed?: string
  /** The slowest single operation. */
  readonly slowestMs: number
  /** Offset of the first byte that is another one than expected. */
  readonly wrongAt?: number
  readonly names?: readonly string[]
  readonly sizeBytes?: number
}

const CHUNK_BYTES = 256 * 1024

class Program {
  slowestMs = 0
  failed: string | undefined
  wrongAt: number | undefined
  names: string[] | undefined
  sizeBytes: number | undefined

  async run(task: FileTask): Promise<FileResult> {
    let error: string | undefined
    try {
      await this.#do(task)
    } catch (thrown) {
      error = (thrown as NodeJS.ErrnoException).code ?? String(thrown)
    }
    const { slowestMs, failed, wrongAt, names, sizeBytes } = this
    return {
      slowestMs: Math.round(slowestMs),
      ...(error === undefined ? {} : { error }),
      ...(failed === undefined ? {} : { failed }),
      ...(wrongAt === undefined ? {} : { wrongAt }),
      ...(names === undefined ? {} : { names }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    }
  }

  async #do(task: FileTask): Promise<void> {
    switch (task.do) {
      case 'write':
        return this.#write(task.path, 'w', 0, task.content)
      case 'patch':
        return this.#write(task.path, 'r+', task.at, task.content)
      case 'read':
        return this.#read(task.path, task.expected)
      case 'list':
        this.names = (await this.#timed('readdir', () => fs.readdir(task.path))).sort()
        return
      case 'stat':
        this.sizeBytes = (await this.#timed('stat', () => fs.stat(task.path))).size
        return
      case 'statfs':
        await this.#timed('statfs', () => fs.statfs(task.path))
        return
      case 'rename':
        return this.#timed('rename', () => fs.rename(task.path, task.to))
      case 'remove-tree':
        return this.#removeTree(task.path)
    }
  }

  async #write(path: string, flags: string, at: number, content: Content): Promise<void> {
    const bytes = new Dice(content.seed).bytes(content.sizeBytes)
    const file = await this.#timed('open', () => fs.open(path, flags))
    try {
      for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
        const length = Math.min(CHUNK_BYTES, bytes.length - done)
        await this.#timed('write', () => file.write(bytes, done, length, at + done))
      }
    } finally {
      await this.#timed('close', () => file.close())
    }
  }

  async #read(path: string, expected: Content): Promise<void> {
    const bytes = new Dice(expected.seed).bytes(expected.sizeBytes)
    const file = await this.#timed('open', () => fs.open(path, 'r'))
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES)
      for (let at = 0; ; ) {
        const { bytesRead } = await this.#timed('read', () => file.read(chunk, 0, CHUNK_BYTES, at))
        this.#compare(chunk.subarray(0, bytesRead), bytes.subarray(at, at + bytesRead), at)
        if (bytesRead === 0) {
          if (at !== bytes.length) this.wrongAt ??= at
          return
        }
        at += bytesRead
      }
    } finally {
      await file.close()
    }
  }

  #compare(read: Buffer, expected: Buffer, at: number): void {
    if (read.equals(expected)) return
    let index = 0
    while (index < expected.length && read[index] === expected[index]) index++
    this.wrongAt ??= at + index
  }

  async #removeTree(path: string): Promise<void> {
    const entries = await this.#timed('readdir', () => fs.readdir(path, { withFileTypes: true }))
    for (const entry of entries) {
      const below = join(path, entry.name)
      if (entry.isDirectory()) await this.#removeTree(below)
      else await this.#timed('unlink', () => fs.unlink(below))
    }
    await this.#timed('rmdir', () => fs.rmdir(path))
  }

  async #timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } catch (thrown) {
      this.failed ??= what
      throw thrown
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, task } = JSON.parse(line) as { id: number; task: FileTask }
  void new Program().run(task).then((result) => {
    process.stdout.write(`${JSON.stringify({ id, result })}\n`)
  })
}
