import type { Store } from '../db/store.ts'
import type { DeploymentAction, DeploymentProcess, PackageReference } from '../model/deployment-process.ts'
import type { Channel } from '../model/project.ts'
import type { SelectedPackage } from '../model/release.ts'
import { isVersion } from '../packages/package-name.ts'
import { compareVersions } from '../packages/package-version.ts'
import { fitsRule } from '../packages/version-range.ts'

/** A package that a release needs a version of. */
export interface NeededPackage {
  readonly stepName: string
  readonly action: DeploymentAction
  readonly reference: PackageReference
}

/** A choice of the caller: for a step or package id, and perhaps one reference of it. `*` is any. */
export interface PackageOverride {
  readonly reference: string
  readonly packageOrStep: string
  readonly version: string
}

/** What the caller says about versions. */
export interface VersionWishes {
  /** For every package that nothing else is said about; null: the newest one. */
  readonly defaultVersion: string | null
  readonly overrides: readonly PackageOverride[]
  /** As a release resource lists them. */
  readonly selected: readonly SelectedPackage[]
  readonly ignoreChannelRules: boolean
}

/** The packages of the actions that take part in releases of the channel. */
export function neededPackages(process: DeploymentProcess, channel: Channel): readonly NeededPackage[] {
  return process.steps.flatMap(step =>
    step.actions
      .filter(
        action =>
          !action.isDisabled && (action.channels.length === 0 || action.channels.includes(channel.id)),
      )
      .flatMap(action =>
        action.packages
          .filter(reference => reference.version === null)
          .map(reference => ({ stepName: step.name, action, reference })),
      ),
  )
}

const isSame = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase()

/**
 * Reads `{package or step}:{version}` or `{reference}:{package or step}:{version}`; `=` and `/` stand for `:`, `*` for
 * any, a backslash in front of one of them takes it as it is. Undefined when it is none of these.
 */
export function parsePackageOverride(text: string): PackageOverride | undefined {
  const parts: string[] = ['']
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '\\' && index + 1 < text.length) {
      index += 1
      parts.push(`${parts.pop()}${text.charAt(index)}`)
    } else if (':=/'.includes(character)) parts.push('')
    else parts.push(`${parts.pop()}${character}`)
  }
  const [first = '', second = '', third] = parts.map(part => part.trim())
  if (parts.length < 2 || parts.length > 3) return undefined
  const override =
    third === undefined
      ? { reference: '*', packageOrStep: first, version: second }
      : { reference: first, packageOrStep: second, version: third }
  return isVersion(override.version)
    ? { ...override, packageOrStep: override.packageOrStep || '*' }
    : undefined
}

/** The last fitting override wins, and one that names the package or step wins over one for any. */
function overriddenVersion(
  { stepName, action, reference }: NeededPackage,
  wishes: VersionWishes,
): string | undefined {
  const named = (name: string): boolean =>
    isSame(name, stepName) || isSame(name, action.name) || isSame(name, reference.packageId)
  const fitting = wishes.overrides.filter(
    override =>
      (override.reference === '*' || isSame(override.reference, reference.name)) &&
      (override.packageOrStep === '*' || named(override.packageOrStep)),
  )
  const best = fitting.findLast(override => override.packageOrStep !== '*') ?? fitting.at(-1)
  if (best !== undefined) return best.version
  return wishes.selected.find(
    selected =>
      (isSame(selected.actionName, action.name) || isSame(selected.actionName, stepName)) &&
      isSame(selected.packageReferenceName, reference.name),
  )?.version
}

function rulesFor(channel: Channel, { action, reference }: NeededPackage) {
  return channel.rules.filter(rule =>
    rule.actionPackages.some(
      item => isSame(item.deploymentAction, action.name) && isSame(item.packageReference, reference.name),
    ),
  )
}

async function newestVersion(
  store: Store,
  channel: Channel,
  needed: NeededPackage,
): Promise<string | undefined> {
  const rules = rulesFor(channel, needed)
  const versions = await store.packages.versionsOf(channel.spaceId, needed.reference.packageId)
  return versions
    .map(item => item.version)
    .filter(version => rules.every(rule => fitsRule(rule, version)))
    .toSorted(compareVersions)
    .at(-1)
}

function describe({ stepName, reference }: NeededPackage): string {
  return `package '${reference.packageId}' of step '${stepName}'`
}

/** Chooses a version for each package. What goes wrong is added to the problems. */
export async function selectPackages(
  store: Store,
  channel: Channel,
  process: DeploymentProcess,
  wishes: VersionWishes,
  problems: string[],
): Promise<readonly SelectedPackage[]> {
  const builtIn = await store.feeds.builtIn(channel.spaceId)
  const chosen: SelectedPackage[] = []
  for (const needed of neededPackages(process, channel)) {
    const { action, reference } = needed
    const wanted = overriddenVersion(needed, wishes) ?? wishes.defaultVersion ?? undefined
    const isBuiltIn = isSame(reference.feedId, 'feeds-builtin') || isSame(reference.feedId, builtIn?.id ?? '')
    if (wanted === undefined && (!isBuiltIn || reference.packageId.includes('#{'))) {
      problems.push(
        `No version could be looked up for the ${describe(needed)}: it is not in the built-in feed. Say which one.`,
      )
      continue
    }
    const version = wanted ?? (await newestVersion(store, channel, needed))
    if (version === undefined) {
      problems.push(
        `There is no version of the ${describe(needed)} in the built-in feed that fits the channel '${channel.name}'.`,
      )
      continue
    }
    if (!wishes.ignoreChannelRules && !rulesFor(channel, needed).every(rule => fitsRule(rule, version))) {
      problems.push(
        `Version ${version} of the ${describe(needed)} does not fit the rules of the channel '${channel.name}'.`,
      )
      continue
    }
    chosen.push({ actionName: action.name, packageReferenceName: reference.name, version })
  }
  return chosen
}
