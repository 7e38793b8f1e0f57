/**
 * From what was typed after `pail mount` to what the engine is asked. Pure but for the keys.
 */
import { resolve } from 'node:path'
import { PailError } from '../shared/errors.ts'
import type { Credentials } from '../shared/model.ts'
import { parseBucketSpec } from './bucket-spec.ts'
import { parseEndpoint } from './endpoint.ts'
import { parseS3fsOptions } from './s3fs-options.ts'
import type { MountInput } from './world.ts'

export type MountOptions = {
  readonly endpoint?: string
  readonly region?: string
  readonly passwdFile?: string
  readonly readOnly?: boolean
  readonly allowOther?: boolean
  readonly attributes?: 'listing' | 'all'
  readonly syncXattrs?: boolean
  readonly maxKeyBytes?: number
  readonly foreground?: boolean
  readonly create?: boolean
  readonly confirmDeletes?: boolean
  readonly option?: readonly string[]
}

export type MountPlan = {
  readonly request: Omit<MountInput, 'credentials'>
  readonly passwordFile?: string
  readonly warnings: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

export function planMount(
  typed: { readonly source: string; readonly dir: string; readonly options: MountOptions },
  from: { readonly cwd: string; readonly environment: Environment },
): MountPlan {
  const { options } = typed
  const s3fs = parseS3fsOptions(options.option ?? [])
  const url = oneOf('--endpoint', options.endpoint, s3fs.url)
  if (url === undefined) {
    throw new PailError('input/invalid', 'The endpoint is missing: --endpoint https://…')
  }
  const passwordFile = oneOf('--passwd-file', options.passwdFile, s3fs.passwordFile)
  return {
    request: {
      ...parseBucketSpec(typed.source),
      endpoint: parseEndpoint(url, regionFrom(options.region, s3fs.region, from.environment)),
      dir: resolve(from.cwd, typed.dir),
      readOnly: options.readOnly === true || s3fs.readOnly,
      createDir: options.create === true,
      ...(options.confirmDeletes === false ? { confirmDeletes: false } : {}),
      ...(options.allowOther === true || s3fs.allowOther ? { allowOther: true } : {}),
      attributes: options.attributes ?? 'listing',
      syncXattrs: options.syncXattrs === true || s3fs.syncXattrs,
      ...(options.maxKeyBytes === undefined ? {} : { keyBytesMax: options.maxKeyBytes }),
    },
    ...(passwordFile === undefined ? {} : { passwordFile: resolve(from.cwd, passwordFile) }),
    warnings: s3fs.warnings,
  }
}

export function withKeys(plan: MountPlan, credentials: Credentials): MountInput {
  return { ...plan.request, credentials }
}

/** Two spellings of one thing may both be given when they agree. */
function oneOf(name: string, first?: string, second?: string): string | undefined {
  if (first !== undefined && second !== undefined && first !== second) {
    throw new PailError('input/invalid', `${name} and its -o spelling say different things`)
  }
  return first ?? second
}

function regionFrom(typed?: string, s3fs?: string, environment: Environment = {}) {
  const chosen = oneOf('--region', typed, s3fs)
  return chosen ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION
}
