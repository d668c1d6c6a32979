import { evaluate, Variables } from '@tentacle/octostache'
import { ServerError } from '../errors.ts'
import type { Release } from '../model/release.ts'
import { isVersion } from '../packages/package-name.ts'
import { compareVersions } from '../packages/package-version.ts'

/** Used when a project has no template of its own: the next patch of the last version. */
export const defaultVersionTemplate =
  '#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}'

const parts = ['Major', 'Minor', 'Patch', 'Revision'] as const

function setNumbers(variables: Variables, prefix: string, version: string): void {
  const numbers = version.split(/[-+]/, 1)[0]?.split('.').map(Number) ?? []
  for (const [index, part] of parts.entries()) {
    const last = numbers[index] ?? 0
    variables.set(`${prefix}Last${part}`, String(last))
    variables.set(`${prefix}Next${part}`, String(last + 1))
  }
  variables.set(`${prefix}LastSuffix`, /-([^+]*)/.exec(version)?.[1] ?? '')
}

function highest(releases: readonly Release[]): string {
  return (
    releases
      .map(release => release.version)
      .toSorted(compareVersions)
      .at(-1) ?? '0.0.0'
  )
}

/**
 * The version of the next release by the project's template, which may use `Octopus.Version.LastMajor`, `NextPatch` and
 * so on, also with `Octopus.Version.Channel.` in front. Throws `ERR_INVALID_INPUT` when no version comes of it.
 */
export function nextReleaseVersion(
  template: string | null,
  releases: readonly Release[],
  channel: { readonly id: string; readonly name: string },
  now: Date,
): string {
  const variables = new Variables()
  setNumbers(variables, 'Octopus.Version.', highest(releases))
  setNumbers(
    variables,
    'Octopus.Version.Channel.',
    highest(releases.filter(({ channelId }) => channelId === channel.id)),
  )
  variables.set('Octopus.Release.Channel.Name', channel.name)
  variables.set('Octopus.Date.Year', String(now.getUTCFullYear()))
  variables.set('Octopus.Date.Month', String(now.getUTCMonth() + 1))
  variables.set('Octopus.Date.Day', String(now.getUTCDate()))
  const { text, missing } = evaluate(template || defaultVersionTemplate, variables)
  if (missing.length === 0 && isVersion(text)) return text
  const message =
    missing.length > 0
      ? `The project's version template uses ${missing.join(', ')}, which is not known here. Give the release a version.`
      : `The project's version template gives '${text}', which is not a version such as 1.2.3.`
  throw new ServerError('ERR_INVALID_INPUT', message, { problems: [message] })
}
