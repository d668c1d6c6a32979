import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type ZipEntry, zipArchive } from '@tentacle/testkit'
import { hashPassword } from '../src/access/password-hash.ts'
import { createDeployment } from '../src/catalog/create-deployment.ts'
import { createProject } from '../src/catalog/create-project.ts'
import { createRelease } from '../src/catalog/create-release.ts'
import type { Store } from '../src/db/store.ts'
import type { DeploymentAction, DeploymentStep, Properties } from '../src/model/deployment-process.ts'
import type { Environment } from '../src/model/environment.ts'
import type { Project } from '../src/model/project.ts'
import type { Deployment } from '../src/model/release.ts'
import type { SecretVault } from '../src/model/secret.ts'
import type { User } from '../src/model/user.ts'
import type { Variable } from '../src/model/variable-set.ts'
import type { TaskService } from '../src/orchestration/task-service.ts'
import type { PackageStore } from '../src/packages/package-store.ts'

/** The capabilities of our own agent. */
export const ownCapabilities = [
  'IScriptService',
  'IFileTransferService',
  'IScriptServiceV2',
  'TentacleDeployerV1',
  'IResumableFileTransferService',
]

/** An executable whose commands are those of the deployer, as our own agent's are. */
export async function deployerExecutable(folder: string): Promise<string> {
  const path = join(folder, 'Tentacle')
  const main = fileURLToPath(new URL('../../deployer/src/main.ts', import.meta.url))
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  await chmod(path, 0o755)
  return path
}

/** Puts a zip file into the built-in feed. */
export async function addPackage(
  packages: PackageStore,
  spaceId: string,
  fileName: string,
  entries: readonly ZipEntry[],
): Promise<void> {
  const content = Readable.from([zipArchive(entries)])
  await packages.receive({ spaceId, fileName, content, overwriteMode: 'FailIfExists', by: null })
}

/** An action; what is left out is as in a new one. */
export function action(
  name: string,
  more: Partial<DeploymentAction> & Pick<DeploymentAction, 'actionType'>,
): DeploymentAction {
  return {
    id: `action-${name}`,
    name,
    slug: name,
    notes: null,
    isDisabled: false,
    isRequired: false,
    canBeUsedForProjectVersioning: false,
    workerPoolId: null,
    workerPoolVariable: null,
    container: { image: null, feedId: null },
    environments: [],
    excludedEnvironments: [],
    channels: [],
    tenantTags: [],
    condition: 'Success',
    properties: {},
    packages: [],
    ...more,
  }
}

/** A script action. */
export function script(name: string, body: string, properties: Properties = {}): DeploymentAction {
  return action(name, {
    actionType: 'Octopus.Script',
    properties: {
      'Octopus.Action.Script.ScriptSource': 'Inline',
      'Octopus.Action.Script.Syntax': 'Bash',
      'Octopus.Action.Script.ScriptBody': body,
      ...properties,
    },
  })
}

/** An action that deploys a package of the built-in feed. */
export function deployPackage(
  name: string,
  packageId: string,
  properties: Properties = {},
): DeploymentAction {
  return action(name, {
    actionType: 'Octopus.TentaclePackage',
    properties,
    packages: [
      {
        id: `p-${name}`,
        name: '',
        packageId,
        feedId: 'Feeds-1',
        acquisitionLocation: 'Server',
        version: null,
        properties: {},
      },
    ],
  })
}

/** A step on the machines with the role `web`. */
export function step(
  actions: readonly DeploymentAction[],
  more: Partial<DeploymentStep> = {},
): DeploymentStep {
  const [first] = actions
  const name = more.name ?? first?.name ?? 'Empty'
  return {
    id: `step-${name}`,
    name,
    slug: name,
    condition: 'Success',
    startTrigger: 'StartAfterPrevious',
    packageRequirement: 'LetOctopusDecide',
    actions,
    ...more,
    properties: { 'Octopus.Action.TargetRoles': 'web', ...more.properties },
  }
}

/** Parts of a server that projects are made with. */
export interface ProjectParts {
  readonly store: Store
  readonly tasks: TaskService
  readonly vault: SecretVault
}

async function someUser(store: Store): Promise<User> {
  const [known] = (await store.users.list()).items
  if (known !== undefined) return known
  return store.users.insert({
    username: 'ada',
    displayName: 'Ada',
    emailAddress: '',
    isActive: true,
    isService: false,
    passwordHash: await hashPassword('right horse'),
    roles: ['Administrator'],
    created: store.now().toISOString(),
  })
}

/** Makes a project with these steps and variables. */
export async function addProject(
  { store, vault }: Pick<ProjectParts, 'store' | 'vault'>,
  environment: Environment,
  steps: readonly DeploymentStep[],
  variables: readonly (Partial<Variable> & { readonly name: string; readonly value: string })[] = [],
  more: Partial<Project> = {},
): Promise<Project> {
  const { spaceId } = environment
  const lifecycle = await store.lifecycles.default(spaceId)
  const [group] = (await store.projectGroups.list({ spaceId })).items
  const project = await createProject(
    store,
    {
      spaceId,
      name: more.name ?? 'Shop',
      slug: (more.name ?? 'Shop').toLowerCase(),
      description: '',
      isDisabled: false,
      projectGroupId: group?.id ?? '',
      lifecycleId: lifecycle?.id ?? '',
      defaultToSkipIfAlreadyInstalled: false,
      tenantedDeploymentMode: 'Untenanted',
      defaultGuidedFailureMode: 'EnvironmentDefault',
      versioningStrategy: { template: null, donorPackage: null },
      connectivityPolicy: {
        skipMachineBehavior: 'None',
        targetRoles: [],
        allowDeploymentsToNoTargets: false,
        excludeUnhealthyTargets: false,
      },
      releaseNotesTemplate: null,
      deploymentChangesTemplate: null,
      forcePackageDownload: false,
      ...more,
    },
    { by: 'ada' },
  )
  await store.deploymentProcesses.change(project.deploymentProcessId, process => ({ ...process, steps }))
  await store.variableSets.change(project.variableSetId, set => ({
    ...set,
    variables: variables.map((variable, index) => ({
      id: `variable-${index}`,
      description: '',
      type: 'String',
      isEditable: true,
      prompt: null,
      scope: {},
      ...variable,
      value: variable.type === 'Sensitive' ? vault.seal(variable.value) : variable.value,
    })),
  }))
  return store.projects.require(project.id)
}

/** Releases the project as it is now and queues the deployment of it. */
export async function deployProject(
  parts: ProjectParts,
  project: Project,
  environment: Environment,
  more: { readonly version?: string } = {},
): Promise<Deployment> {
  const { store } = parts
  const [channel] = await store.channels.ofProject(project.id)
  if (channel === undefined) throw new Error('A new project has a channel.')
  const release = await createRelease(store, {
    project,
    channel,
    version: more.version ?? null,
    releaseNotes: null,
    ignoreIfExists: false,
    ignoreChannelRules: false,
    by: 'ada',
    defaultVersion: null,
    overrides: [],
    selected: [],
  })
  return createDeployment(parts, {
    release,
    environment,
    tenant: null,
    user: await someUser(store),
    comments: '',
    skipActions: [],
    specificMachineIds: [],
    excludedMachineIds: [],
    forcePackageDownload: false,
    forcePackageRedeployment: false,
    useGuidedFailure: null,
    formValues: {},
    queueTime: null,
    queueTimeExpiry: null,
  })
}
