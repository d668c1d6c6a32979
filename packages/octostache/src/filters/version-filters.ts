import type { FilterTable } from './filter-table.ts'
import { plain } from './text-filters.ts'

interface VersionParts {
  readonly major: string
  readonly minor: string
  readonly patch: string
  readonly revision: string
  readonly preRelease: string
  readonly preReleasePrefix: string
  readonly preReleaseCounter: string
  readonly metadata: string
}

/**
 * Reads a version as leniently as Octopus does: an optional `v`, up to four numbers, a pre-release after `-`, `_` or
 * `.`, metadata after `+`. What is not there is 0 or empty, so text without any number is version 0.
 */
function readVersion(text: string): VersionParts {
  const trimmed = text.trim()
  const plus = trimmed.indexOf('+')
  const metadata = plus < 0 ? '' : trimmed.slice(plus + 1)
  const rest = (plus < 0 ? trimmed : trimmed.slice(0, plus)).replace(/^v(?=\d)/i, '')
  const numbers = /^\d+(?:\.\d+){0,3}(?![A-Za-z\d])/.exec(rest)?.[0] ?? ''
  const [major = '0', minor = '0', patch = '0', revision = '0'] = numbers
    .split('.')
    .map(part => part.replace(/^0+(?=\d)/, ''))
  const preRelease = numbers === '' ? '' : rest.slice(numbers.length).replace(/^[-._\\]/, '')
  const split = /^([^-._\\]*)[-._\\](.*)$/s.exec(preRelease)
  return {
    major: major || '0',
    minor,
    patch,
    revision,
    preRelease,
    preReleasePrefix: split?.[1] ?? preRelease,
    preReleaseCounter: split?.[2] ?? '',
    metadata,
  }
}

function part(name: keyof VersionParts) {
  return plain(text => readVersion(text)[name])
}

export const versionFilters: FilterTable = {
  versionmajor: part('major'),
  versionminor: part('minor'),
  versionpatch: part('patch'),
  versionrevision: part('revision'),
  versionprerelease: part('preRelease'),
  versionprereleaseprefix: part('preReleasePrefix'),
  versionprereleasecounter: part('preReleaseCounter'),
  versionmetadata: part('metadata'),
}
