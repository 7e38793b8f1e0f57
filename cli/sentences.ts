/**
 * One line a person can act on: what happened, with the thing's name, and what to do. Pure.
 */
import type { PailError } from '../shared/errors.ts'
import { redactText } from '../shared/redact.ts'
import { printable } from './format.ts'

/** What the command was about, for sentences that name it. */
export type Subject = {
  readonly dir?: string
  readonly bucket?: string
  readonly subpath?: string
  readonly endpointUrl?: string
}

type Where = PailError['where']
type Sentences = Partial<Record<PailError['code'], Sentence>>
type Sentence = {
  readonly what: (subject: Subject, where: Where, detail: string) => string
  /** In the words of the command line; absent: the table's own. */
  readonly remedy?: string
}

const say = (what: Sentence['what'], remedy?: string): Sentence =>
  remedy === undefined ? { what } : { what, remedy }

const dirOf = (subject: Subject, where: Where) => String(where.dir ?? subject.dir ?? 'The folder')
const serverOf = (subject: Subject) => subject.endpointUrl ?? 'The server'
const bucketOf = (subject: Subject) => `bucket ${subject.bucket ?? ''}`.trim()

/** What a server can say. */
const SERVER_SENTENCES: Sentences = {
  'auth/bad-key': say(
    (subject) => `${serverOf(subject)} does not accept these keys`,
    'Check the access key and the secret key.',
  ),
  'auth/denied': say(
    (subject) => `These keys may not use ${bucketOf(subject)}`,
    'Check the key and the bucket policy.',
  ),
  'auth/clock-skewed': say(
    (subject) => `${serverOf(subject)} and this computer disagree on the time`,
    'Set this computer’s clock.',
  ),
  'net/unreachable': say(
    (subject) => `${serverOf(subject)} cannot be reached`,
    'Check the address and the network.',
  ),
  'net/offline': say(
    (subject) => `${serverOf(subject)} cannot be reached`,
    'Check the address and the network.',
  ),
  'net/timeout': say(
    (subject) => `${serverOf(subject)} does not answer`,
    'Check the address and the network, then try again.',
  ),
  'net/tls': say(
    (subject) => `${serverOf(subject)} has a certificate that is not trusted`,
    'Check the address.',
  ),
  's3/no-bucket': say(
    (subject) => `There is no ${bucketOf(subject)} at ${subject.endpointUrl ?? 'the server'}`,
    'Check the name and the location.',
  ),
  's3/not-s3': say(
    (subject) => `${serverOf(subject)} does not answer like an S3 server`,
    'Check the address.',
  ),
  's3/rejected': say(
    (subject, _where, detail) => `${serverOf(subject)} refuses ${bucketOf(subject)}: ${detail}`,
    'Check what was typed.',
  ),
  's3/wrong-region': say(
    (subject, { endpoint }) =>
      `The ${bucketOf(subject)} is in another location${endpoint ? `: ${endpoint}` : ''}`,
    'Use the endpoint and the --region of its location.',
  ),
}

/** What this computer can say. */
const LOCAL_SENTENCES: Sentences = {
  'mount/bad-prefix': say(
    (subject, where, detail) =>
      `The path ${where.subpath ?? where.prefix ?? subject.subpath ?? ''} cannot be used: ${detail}`,
  ),
  'mount/folder-missing': say(
    (subject, where) => `${dirOf(subject, where)} does not exist`,
    'Make the folder first, or add --create.',
  ),
  'mount/not-a-folder': say(
    (subject, where) => `${dirOf(subject, where)} is a file`,
    'Choose a folder.',
  ),
  'mount/folder-not-empty': say(
    (subject, where) =>
      `${dirOf(subject, where)} is not empty${where.names ? `: it holds ${where.names}` : ''}`,
    'Choose an empty folder.',
  ),
  'mount/already-mounted': say(
    (subject, where) => `Something is already mounted on ${dirOf(subject, where)}`,
    'Unmount it first, or choose another folder.',
  ),
  'mount/inside-mount': say(
    (subject, where) =>
      `${dirOf(subject, where)} is inside the mounted folder ${where.mountPoint ?? ''}`.trimEnd(),
    'Choose a folder outside of it.',
  ),
  'mount/not-mounted': say(
    (subject, where) => `${dirOf(subject, where)} is not a folder that Pail mounted`,
    'See pail status.',
  ),
  'mount/busy': say(
    (subject, where, detail) => `${dirOf(subject, where)} is in use: ${detail}`,
    'Close the programs that use it, or add --force.',
  ),
  'mount/no-fuse': say(() => '/dev/fuse is missing', 'Load the fuse kernel module: modprobe fuse.'),
  'mount/no-fusermount': say(
    () => 'The program fusermount3 is missing',
    'Install the package fuse3.',
  ),
  'mount/others-refused': say(
    () => 'This computer does not let you open a folder to other users',
    'Write user_allow_other into /etc/fuse.conf, or leave --allow-other out.',
  ),
  'mount/refused': say(
    (subject, where, detail) => `${dirOf(subject, where)} cannot be mounted on: ${detail}`,
    'Choose another folder, or see the engine’s log.',
  ),
  'store/disk-full': say(
    (_subject, where) => `The disk is full${where.path ? `: ${where.path}` : ''}`,
    'Free space on it.',
  ),
  'store/damaged': say(
    (_subject, where) => `The database ${where.path ?? ''} is damaged`.trim(),
    'Check the disk. To begin anew, move the data folder away; large files that were not uploaded yet are in its folder staging.',
  ),
  'store/locked': say(
    (_subject, where) =>
      `The data folder is used by another engine${where.pid ? ` (process ${where.pid})` : ''}`,
    'Stop it, or use another folder with --data-dir.',
  ),
  'store/data-folder': say(
    (_subject, where, detail) => `The data folder ${where.path ?? ''} cannot be used: ${detail}`,
  ),
  'engine/not-running': say(() => 'No engine is running', 'Mount a folder with pail mount.'),
  'engine/stopped': say((_subject, _where, detail) => `The engine is gone: ${detail}`),
  'engine/no-answer': say(() => 'The engine does not answer'),
  'internal/bug': say((_subject, _where, detail) => `Pail failed: ${detail}`),
}

/** A code that is in neither is told by its detail. */
const SENTENCES: Sentences = {
  ...SERVER_SENTENCES,
  ...LOCAL_SENTENCES,
  'input/no-keys': say(
    (_subject, _where, detail) => `Keys are missing: ${detail}`,
    'Give them by --passwd-file, by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or store them with the app.',
  ),
}

/** The line after `pail: `, secrets taken out, without a newline in it. */
export function describeError(error: PailError, subject: Subject = {}): string {
  const { what, remedy } = SENTENCES[error.code] ?? say((_subject, _where, detail) => detail)
  const told = what(subject, error.where, error.detail).replace(/[.!?]?$/, '.')
  const capital = told.startsWith('http') ? told : told.charAt(0).toUpperCase() + told.slice(1)
  return printable(redactText(`${capital} ${remedy ?? error.remedy}`.replace(/\s+/g, ' ').trim()))
}
