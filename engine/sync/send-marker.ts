/**
 * What stands in a marker. Pure.
 *
 * ready:    { schema, batch, created, host, fileCount, byteCount }
 * manifest: the same and `files`: [{ path, size, sha256, etag }], paths relative to the folder
 */

/** Rises when a reader of the old form could misunderstand the new one. */
const MARKER_SCHEMA = 1

export type MarkerHead = {
  readonly batch: number
  readonly createdMs: number
  readonly host: string
  readonly fileCount: number
  readonly byteCount: number
}

export type MarkerFile = {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly etag: string
}

export function readyBody(head: MarkerHead): string {
  return `${JSON.stringify(headFields(head), null, 2)}\n`
}

/** A manifest may be long: it is made piece by piece. One file is one line. */
export function manifestStart(head: MarkerHead): string {
  const fields = JSON.stringify(headFields(head), null, 2).slice(0, -'\n}'.length)
  return `${fields},\n  "files": [\n`
}

export function manifestFile(file: MarkerFile, isFirst: boolean): string {
  const { path, sizeBytes, sha256, etag } = file
  const fields = { path, size: sizeBytes, sha256, etag: etag.replaceAll('"', '') }
  return `${isFirst ? '' : ',\n'}    ${JSON.stringify(fields)}`
}

export function manifestEnd(): string {
  return '\n  ]\n}\n'
}

function headFields(head: MarkerHead) {
  return {
    schema: MARKER_SCHEMA,
    batch: head.batch,
    created: new Date(head.createdMs).toISOString(),
    host: head.host,
    fileCount: head.fileCount,
    byteCount: head.byteCount,
  }
}
