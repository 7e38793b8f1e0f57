/** Sizes as a person types them. Pure. */

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
}

/**
 * @param text  `50GB`, `1.5 TB`, `512MiB`; units of a thousand, as disks count, unless they say `i`
 * @returns whole bytes; undefined when it is no size with a unit
 */
export function parseBytes(text: string): number | undefined {
  const [, digits = '', unit = ''] =
    /^(\d{1,6}(?:\.\d{1,3})?) ?([a-z]{1,3})$/i.exec(text.trim()) ?? []
  const factor = UNITS[unit.toUpperCase()]
  return factor === undefined ? undefined : Math.round(Number(digits) * factor)
}
