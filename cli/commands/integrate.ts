/** `pail integrate nautilus`: emblems in GNOME Files. */
import { EXIT } from '../exit-codes.ts'
import type { World } from '../world.ts'

/** Below the folder for data of this user's programs. */
const EXTENSION = ['nautilus-python', 'extensions', 'pail_nautilus.py'] as const

export function integrate(command: { readonly install: boolean }, world: World): number {
  const { environment } = world
  const home = environment.XDG_DATA_HOME ?? `${environment.HOME ?? '~'}/.local/share`
  const path = [home, ...EXTENSION].join('/')
  if (!command.install) {
    world.print(
      [
        'GNOME Files can show the state of each file as an emblem:',
        '  1. Install the package python3-nautilus (Fedora: nautilus-python).',
        `  2. Run pail integrate nautilus --install. It writes ${path}`,
        '  3. Run nautilus -q, and open the folder again.',
        'To undo it, remove that file.',
      ].join('\n'),
    )
    return EXIT.ok
  }
  world.installIntegration('nautilus/pail_nautilus.py', path)
  world.print(`Wrote ${path}. Run nautilus -q, and open the folder again.`)
  return EXIT.ok
}
