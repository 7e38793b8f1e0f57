/**
 * Credentials as they are pasted: an IBM service credential, a line of an s3fs password file,
 * or an AWS credentials section. Pure.
 *
 * Keeps: what is said about a paste never repeats a secret.
 */
import { z } from 'zod'

/** A service credential has about 2 kB; this leaves room for arrays of them. */
const PASTE_CHARACTERS_MAX = 65_536

export type Recognised =
  | {
      readonly kind: 'keys'
      /** What was recognised, as a sentence. */
      readonly note: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly bucket?: string
      readonly isReader?: boolean
    }
  | { readonly kind: 'fault'; readonly note: string }

const HmacKeys = z.object({
  access_key_id: z.string().min(1),
  secret_access_key: z.string().min(1),
})
const IbmCredential = z.object({
  apikey: z.string().optional(),
  cos_hmac_keys: HmacKeys.optional(),
  iam_role_crn: z.string().optional(),
  resource_instance_id: z.string().optional(),
})

/** @returns undefined for an empty paste */
export function recognise(pasted: string): Recognised | undefined {
  const text = pasted.trim()
  if (text === '') return undefined
  if (text.length > PASTE_CHARACTERS_MAX) return fault('This is too long to be a credential.')
  // First: the name of its section is in brackets, as a list in JSON is.
  const aws = recogniseAws(text)
  if (aws !== undefined) return aws
  if (text.startsWith('{') || text.startsWith('[')) return recogniseJson(text)
  return recogniseS3fs(text) ?? fault(UNKNOWN)
}

const UNKNOWN =
  'Not recognised. Paste an IBM service credential (JSON), or a line ACCESS:SECRET as in an s3fs password file.'
const NO_HMAC =
  'IBM service credential without HMAC keys. Create one with “Include HMAC credential” on.'

function recogniseJson(text: string): Recognised {
  const parsed = parseJson(text)
  if (parsed === undefined) return fault('This looks like JSON, but it is cut off or damaged.')
  const first = Array.isArray(parsed) ? parsed[0] : parsed
  const inner = hasCredentials(first) ? first.credentials : first
  const credential = IbmCredential.safeParse(inner)
  if (!credential.success) return fault(UNKNOWN)
  const { cos_hmac_keys: keys, iam_role_crn: role = '', ...rest } = credential.data
  if (keys === undefined) {
    const isIbm = rest.apikey !== undefined || rest.resource_instance_id !== undefined
    return fault(isIbm ? NO_HMAC : UNKNOWN)
  }
  const roleName = role.split(':').at(-1) ?? ''
  return {
    kind: 'keys',
    note: `IBM service credential with HMAC keys${roleName === '' ? '' : `, role ${roleName}`}. Now choose the location of your bucket.`,
    accessKeyId: keys.access_key_id,
    secretAccessKey: keys.secret_access_key,
    isReader: /Reader$/.test(roleName),
  }
}

function recogniseAws(text: string): Recognised | undefined {
  const accessKeyId = /^\s*(?:export\s+)?aws_access_key_id\s*=\s*["']?([^\s"']+)/im.exec(text)?.[1]
  const secretAccessKey = /^\s*(?:export\s+)?aws_secret_access_key\s*=\s*["']?([^\s"']+)/im.exec(
    text,
  )?.[1]
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { kind: 'keys', note: 'AWS access key and secret key.', accessKeyId, secretAccessKey }
}

function recogniseS3fs(text: string): Recognised | undefined {
  const line = text.split(/\r?\n/).find((each) => each.trim() !== '' && !each.startsWith('#'))
  const parts = (line ?? '').trim().split(':')
  if (parts.some((part) => part === '' || /\s/.test(part))) return undefined
  const [first, second, third] = parts
  if (parts.length === 2 && first !== undefined && second !== undefined) {
    const note = 'Access key and secret key, as in an s3fs password file.'
    return { kind: 'keys', note, accessKeyId: first, secretAccessKey: second }
  }
  if (parts.length !== 3 || !first || !second || !third) return undefined
  return {
    kind: 'keys',
    note: `Keys for the bucket ${first}, as in an s3fs password file.`,
    bucket: first,
    accessKeyId: second,
    secretAccessKey: third,
  }
}

function fault(note: string): Recognised {
  return { kind: 'fault', note }
}

function hasCredentials(value: unknown): value is { credentials: unknown } {
  return typeof value === 'object' && value !== null && 'credentials' in value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
