/** Rules about every text file of the repository, whatever its language. */

/** Written in parts, or the rule would find itself. */
const joined = (separator: string, ...parts: string[]): string => parts.join(separator)

const MACHINE_PATHS = [joined('/', '', 'work', ''), joined('/', '', 'root', '')]
const REGISTRY_HOSTS = [
  joined('.', 'registry', 'npmjs', 'org'),
  joined('.', 'registry', 'yarnpkg', 'com'),
  joined('.', 'proxy', 'golang', 'org'),
  joined('.', 'pypi', 'org'),
  joined('.', 'deb', 'debian', 'org'),
]

/** @returns what may not stand in a file of the repository, with its line */
export function textBreaks(path: string, text: string): string[] {
  const found: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    for (const word of MACHINE_PATHS) {
      if (line.includes(word)) found.push(`${path}:${index + 1} a path of one machine: ${word}`)
    }
    for (const host of REGISTRY_HOSTS) {
      if (line.includes(host)) found.push(`${path}:${index + 1} a registry's host: ${host}`)
    }
    if (path.endsWith('package-lock.json') && line.includes('"resolved": "http')) {
      found.push(`${path}:${index + 1} a lock file names no host`)
    }
  }
  return found
}

export const BAD_TEXTS: readonly (readonly [path: string, text: string])[] = [
  ['docs/a.md', `see ${MACHINE_PATHS[0]}main`],
  ['docs/a.md', `see ${MACHINE_PATHS[1]}.cache`],
  ['README.md', `https://${REGISTRY_HOSTS[0]}/zod`],
  ['package-lock.json', '  "resolved": "https://somewhere.example/zod.tgz",'],
]
