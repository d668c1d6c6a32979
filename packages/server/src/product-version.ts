import { readFileSync } from 'node:fs'

/** Our own version, from the package's description. */
export const productVersion: string = readVersion()

function readVersion(): string {
  const description: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const version =
    typeof description === 'object' && description !== null && 'version' in description
      ? description.version
      : undefined
  return typeof version === 'string' ? version : '0.0.0'
}
