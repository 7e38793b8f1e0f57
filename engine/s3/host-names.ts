/**
 * Which names of files each operating system refuses, and which it takes for the same (pure).
 *
 * Keeps: a name that one system refuses is never changed in the bucket; only what is shown differs.
 * @see https://learn.microsoft.com/windows/win32/fileio/naming-a-file
 */

export type Host = 'linux' | 'darwin' | 'win32'

/** What is not one of these behaves like Linux: any bytes but `/` and NUL. */
export function hostOf(platform: string): Host {
  return platform === 'win32' || platform === 'darwin' ? platform : 'linux'
}

const CONTROL_CODE_MAX = 0x1f
/** What Windows has another use for: drives, streams, patterns, the other slash. */
const WINDOWS_CHARACTERS: ReadonlySet<string> = new Set('<>:"\\|?*')
/** Devices of DOS, with whatever extension. The last three digits of each are superscripts. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|:|$)/i
const IGNORED_END = /[. ]$/

/** Can no file of this host have the name? */
export function isRefusedName(name: string, host: Host): boolean {
  if (host !== 'win32') return false
  if ([...name].some(isWindowsCharacter)) return true
  return IGNORED_END.test(name) || DEVICE.test(name)
}

/** The characters of a refused name that must not be shown as they are. */
export function escapeForHost(
  name: string,
  host: Host,
  encode: (character: string) => string,
): string {
  if (host !== 'win32') return name
  const escaped = [...name].map((one) => (isWindowsCharacter(one) ? encode(one) : one)).join('')
  return escaped.replace(IGNORED_END, encode)
}

function isWindowsCharacter(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return WINDOWS_CHARACTERS.has(character) || (code > 0 && code <= CONTROL_CODE_MAX)
}

/**
 * Two names that are equal in this form are one file to the host: Linux compares bytes; macOS and
 * Windows ignore case, and macOS the form of accents as well.
 */
export function comparedName(name: string, host: Host): string {
  if (host === 'linux') return name
  if (host === 'win32') return name.toUpperCase()
  return name.normalize('NFD').toLowerCase().normalize('NFC')
}

/** How a new name is written into the bucket: composed, where the host does not tell forms apart. */
export function storedName(name: string, host: Host): string {
  return host === 'linux' ? name : name.normalize('NFC')
}
