/** The unit of an instance without a name. */
const unnamedUnit = 'OctopusDeploy-Tentacle'

/**
 * The unit of an instance, without `.service` (docs/wire/tentacle-service.md 2): `/` is dropped and blanks become one
 * dash, as in the original. Whatever else systemd does not allow in a name becomes `\xNN`, byte by byte, as
 * `systemd-escape` writes it.
 */
export function unitName(instance: string | undefined): string {
  if (instance === undefined) return unnamedUnit
  const plain = instance.replaceAll('/', '').replaceAll(/\s+/g, '-')
  return plain.replaceAll(/^\.|[^A-Za-z0-9:_.-]/gu, escaped)
}

function escaped(character: string): string {
  return [...Buffer.from(character)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
