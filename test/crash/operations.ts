/** The operations whose short sequences are all tried, on a namespace of a few names. */

/** What the folder and the reference both do; each answers `ok` or an errno. */
export type Folder = {
  write(path: string, offset: number, bytes: Uint8Array, isTruncating: boolean): Answer
  append(path: string, bytes: Uint8Array): Answer
  truncate(path: string, sizeBytes: number): Answer
  punch(path: string, offset: number, length: number): Answer
  copy(from: string, to: string): Answer
  mkdir(path: string): Answer
  unlink(path: string): Answer
  rmdir(path: string): Answer
  rename(from: string, to: string): Answer
  sync(path: string): Answer
}

type Answer = string | Promise<string>

export type Operation =
  | {
      readonly kind: 'folder'
      readonly name: string
      /** @param count which write of the history it is: no two write the same bytes */
      run(folder: Folder, count: number): Answer
    }
  | { readonly kind: 'flush'; readonly name: string }

/** Content that tells which write it came from. */
export function bytesFor(count: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  for (let at = 0; at < sizeBytes; at++) bytes[at] = 1 + ((count * 31 + at * 7 + (at >> 8)) % 255)
  return bytes
}

/** What the bucket holds before each sequence. */
export const OBJECTS: Readonly<Record<string, Uint8Array>> = {
  a: bytesFor(100, 9000),
  'd/x': bytesFor(101, 500),
  'm/': new Uint8Array(0),
}

function folderOperation(name: string, run: (folder: Folder, count: number) => Answer): Operation {
  return { kind: 'folder', name, run }
}

export const OPERATIONS: readonly Operation[] = [
  folderOperation('create b', (f, n) => f.write('b', 0, bytesFor(n, 3000), true)),
  folderOperation('create empty d/e', (f) => f.write('d/e', 0, new Uint8Array(0), true)),
  folderOperation('overwrite a', (f, n) => f.write('a', 0, bytesFor(n, 4000), true)),
  folderOperation('patch a', (f, n) => f.write('a', 5000, bytesFor(n, 700), false)),
  folderOperation('append a', (f, n) => f.append('a', bytesFor(n, 600))),
  folderOperation('append d/x', (f, n) => f.append('d/x', bytesFor(n, 600))),
  folderOperation('truncate a to 100', (f) => f.truncate('a', 100)),
  folderOperation('truncate a to 0', (f) => f.truncate('a', 0)),
  folderOperation('truncate a to 20000', (f) => f.truncate('a', 20_000)),
  folderOperation('punch a', (f) => f.punch('a', 3000, 2500)),
  folderOperation('copy a b', (f) => f.copy('a', 'b')),
  folderOperation('rename a b', (f) => f.rename('a', 'b')),
  folderOperation('rename b a', (f) => f.rename('b', 'a')),
  folderOperation('rename a over d/x', (f) => f.rename('a', 'd/x')),
  folderOperation('rename d/x over a', (f) => f.rename('d/x', 'a')),
  folderOperation('rename directory d n', (f) => f.rename('d', 'n')),
  folderOperation('rename directory d over m', (f) => f.rename('d', 'm')),
  folderOperation('unlink a', (f) => f.unlink('a')),
  folderOperation('unlink d/x', (f) => f.unlink('d/x')),
  folderOperation('mkdir n', (f) => f.mkdir('n')),
  folderOperation('mkdir b', (f) => f.mkdir('b')),
  folderOperation('rmdir m', (f) => f.rmdir('m')),
  folderOperation('rmdir d', (f) => f.rmdir('d')),
  folderOperation('fsync a', (f) => f.sync('a')),
  { kind: 'flush', name: 'flush' },
]
