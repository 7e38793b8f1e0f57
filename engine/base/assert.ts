/**
 * Assertions about our own state. They stay on in production: a broken invariant ends the
 * operation (EIO for the program, a stack for the log) before it can spread.
 */
import { PailError } from '../../shared/errors.ts'

export function assert(fact: unknown, message: string): asserts fact {
  if (!fact) throw new PailError('internal/bug', `broken invariant: ${message}`)
}

/** Returns `value`, which the surrounding code knows to be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`)
  return value
}
