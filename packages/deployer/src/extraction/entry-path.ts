import { DeployerError } from '../errors.ts'

/** Names that Windows keeps for devices, with or without an extension. */
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\..*)?$/i

const maxPathLength = 4096

/**
 * The one place where names in archives become paths. Answers the parts of the path below the target folder; none for
 * the folder itself.
 *
 * Throws ERR_UNSAFE_ARCHIVE for every name that could lead elsewhere on any system: absolute ones, drives and shares,
 * `..` anywhere, NUL. In zips a backslash separates as a slash does; in tars it is an ordinary character on systems
 * where it is one, unless it would lead out where it is not.
 */
export function entryPath(
  name: string,
  {
    backslashSeparates,
    platform = process.platform,
  }: { readonly backslashSeparates: boolean; readonly platform?: NodeJS.Platform },
): string[] {
  const slashed = name.replaceAll('\\', '/')
  if (name.length > maxPathLength) throw unsafe(`${name.slice(0, 100)}…`, 'has a path that no system takes')
  if (name.includes('\0')) throw unsafe(name, 'has a NUL character in its name')
  if (slashed.startsWith('/')) throw unsafe(name, 'has an absolute path')
  if (/^[a-z]:(?:\/|$)/i.test(slashed)) throw unsafe(name, 'names a drive')
  if (slashed.split('/').includes('..')) throw unsafe(name, "leads out of its folder with '..'")
  const isWindows = platform === 'win32'
  const parts = (backslashSeparates || isWindows ? slashed : name)
    .split('/')
    .filter(part => part !== '' && part !== '.')
  if (isWindows) for (const part of parts) refuseOnWindows(name, part)
  return parts
}

function refuseOnWindows(name: string, part: string): void {
  if (/[<>:"|?*]/.test(part) || hasControlCharacter(part))
    throw unsafe(name, 'has a character that Windows does not allow in names')
  if (/[. ]$/.test(part)) throw unsafe(name, 'ends in a dot or a blank, which Windows drops')
  if (deviceName.test(part)) throw unsafe(name, 'has the name of a device')
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x20) return true
  return false
}

/** The error for an entry that must not be extracted. The name is quoted as JSON, so that it cannot disturb a log. */
export function unsafe(name: string, problem: string): DeployerError {
  return new DeployerError(
    'ERR_UNSAFE_ARCHIVE',
    `The package was refused: its entry ${JSON.stringify(name)} ${problem}. Nothing of it was installed.`,
  )
}
