/** Unpacks a zip archive with its permissions and symbolic links, entry after entry. */
import { createWriteStream, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

const FILE_TYPE_MASK = 0o170000
const SYMBOLIC_LINK = 0o120000

/**
 * @param {string} archive
 * @param {string} folder where to
 * @param {(name: string) => boolean} isWanted
 */
export async function unzip(archive, folder, isWanted) {
  // yauzl refuses absolute names and names with `..` by itself.
  const { default: yauzl } = await import('yauzl')
  const zip = await yauzl.openPromise(archive, { lazyEntries: true })
  try {
    for await (const entry of zip.eachEntry()) {
      if (isWanted(entry.fileName)) await unpackEntry(zip, entry, join(folder, entry.fileName))
    }
  } finally {
    zip.close()
  }
}

/**
 * @param {import('yauzl').ZipFile} zip
 * @param {import('yauzl').Entry} entry
 * @param {string} path
 */
async function unpackEntry(zip, entry, path) {
  if (path.endsWith('/')) {
    mkdirSync(path, { recursive: true })
    return
  }
  mkdirSync(dirname(path), { recursive: true })
  const mode = entry.externalFileAttributes >>> 16
  const content = await zip.openReadStreamPromise(entry)
  if ((mode & FILE_TYPE_MASK) === SYMBOLIC_LINK) symlinkSync(await text(content), path)
  else await pipeline(content, createWriteStream(path, { mode: mode & 0o777 || 0o644 }))
}
