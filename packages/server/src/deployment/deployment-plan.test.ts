import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeploymentAction, DeploymentStep } from '../model/deployment-process.ts'
import { type Machine, unknownHealth } from '../model/machine.ts'
import type { ProjectConnectivityPolicy } from '../model/project.ts'
import type { Deployment } from '../model/release.ts'
import type { Tenant } from '../model/tenant.ts'
import type { DeploymentInputs } from './deployment-inputs.ts'
import { planDeployment } from './deployment-plan.ts'

const head = {
  revision: 1,
  lastModifiedOn: '2026-11-23T10:00:00.000Z',
  lastModifiedBy: null,
  spaceId: 'Spaces-1',
}

function machine(id: string, more: Partial<Machine> = {}): Machine {
  return {
    ...head,
    kind: 'machine',
    id,
    name: id.toLowerCase(),
    slug: id.toLowerCase(),
    endpoint: {
      style: 'TentacleActive',
      uri: `poll://${id}/`,
      thumbprint: 'A'.repeat(40),
      tentacleVersion: null,
      upgradeLocked: false,
      certificateSignatureAlgorithm: null,
    },
    machinePolicyId: null,
    isDisabled: false,
    health: unknownHealth,
    environmentIds: ['Environments-1'],
    roles: ['web'],
    tenantedDeploymentParticipation: 'Untenanted',
    tenantIds: [],
    tenantTags: [],
    ...more,
  }
}

function action(id: string, more: Partial<DeploymentAction> = {}): DeploymentAction {
  return {
    id,
    name: id,
    slug: id,
    actionType: 'Octopus.Script',
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

function step(
  actions: readonly DeploymentAction[],
  properties: DeploymentStep['properties'] = {},
): DeploymentStep {
  const name = actions[0]?.id ?? 'empty'
  return {
    id: `step-${name}`,
    name,
    slug: name,
    condition: 'Success',
    startTrigger: 'StartAfterPrevious',
    packageRequirement: 'LetOctopusDecide',
    properties: { 'Octopus.Action.TargetRoles': 'web', ...properties },
    actions,
  }
}

interface Changes {
  readonly deployment?: Partial<Deployment>
  readonly policy?: Partial<ProjectConnectivityPolicy>
  readonly tenant?: Tenant
}

function inputs(
  steps: readonly DeploymentStep[],
  { deployment, policy, tenant }: Changes = {},
): DeploymentInputs {
  const named = { ...head, slug: '', description: '' }
  return {
    deployment: {
      ...head,
      id: 'Deployments-1',
      releaseId: 'Releases-1',
      projectId: 'Projects-1',
      channelId: 'Channels-1',
      environmentId: 'Environments-1',
      tenantId: tenant?.id ?? null,
      taskId: 'ServerTasks-1',
      name: '',
      comments: '',
      processSnapshotId: '',
      variableSetSnapshotId: '',
      skipActions: [],
      specificMachineIds: [],
      excludedMachineIds: [],
      forcePackageDownload: false,
      forcePackageRedeployment: false,
      useGuidedFailure: false,
      formValues: {},
      queueTime: null,
      queueTimeExpiry: null,
      created: head.lastModifiedOn,
      deployedBy: 'ada',
      deployedById: 'Users-1',
      deployedToMachineIds: [],
      failureEncountered: false,
      ...deployment,
    },
    release: {
      ...head,
      id: 'Releases-1',
      projectId: 'Projects-1',
      channelId: 'Channels-1',
      version: '1.0',
      releaseNotes: null,
      assembled: head.lastModifiedOn,
      selectedPackages: [],
      processSnapshotId: '',
      variableSetSnapshotId: '',
      ignoreChannelRules: false,
    },
    project: {
      ...named,
      id: 'Projects-1',
      name: 'Shop',
      isDisabled: false,
      projectGroupId: '',
      lifecycleId: '',
      variableSetId: '',
      deploymentProcessId: '',
      clonedFromProjectId: null,
      defaultToSkipIfAlreadyInstalled: false,
      tenantedDeploymentMode: 'TenantedOrUntenanted',
      defaultGuidedFailureMode: 'Off',
      versioningStrategy: { template: null, donorPackage: null },
      connectivityPolicy: {
        skipMachineBehavior: 'None',
        targetRoles: [],
        allowDeploymentsToNoTargets: false,
        excludeUnhealthyTargets: false,
        ...policy,
      },
      releaseNotesTemplate: null,
      deploymentChangesTemplate: null,
      forcePackageDownload: false,
    },
    channel: {
      ...named,
      id: 'Channels-1',
      name: 'Default',
      projectId: 'Projects-1',
      lifecycleId: null,
      isDefault: true,
      rules: [],
      tenantTags: [],
    },
    environment: {
      ...named,
      id: 'Environments-1',
      name: 'Dev',
      sortOrder: 0,
      useGuidedFailure: false,
      allowDynamicInfrastructure: false,
      environmentTags: [],
    },
    tenant: tenant ?? null,
    process: { ...head, id: 'p', projectId: 'Projects-1', isFrozen: true, steps },
    variableSet: { ...head, id: 'v', ownerId: 'Projects-1', isFrozen: true, variables: [] },
  }
}

const acme: Tenant = {
  ...head,
  id: 'Tenants-1',
  name: 'Acme',
  slug: 'acme',
  description: '',
  isDisabled: false,
  tenantTags: ['Ring/Early'],
  projectEnvironments: {},
}

describe('the plan of a deployment', () => {
  test('takes the enabled machines of the environment that have one of the roles, without regard to case', () => {
    const machines = [
      machine('A', { roles: ['WEB', 'x'] }),
      machine('B', { roles: ['db'] }),
      machine('C', { environmentIds: ['Environments-2'] }),
      machine('D', { isDisabled: true }),
    ]
    const plan = planDeployment(
      inputs([step([action('a')], { 'Octopus.Action.TargetRoles': 'cache, web' })]),
      machines,
    )
    assert.deepEqual(plan.steps[0]?.machineIds, ['A'])
    assert.deepEqual(plan.leftOut, [{ name: 'd', reason: 'it is disabled' }])
    assert.deepEqual(plan.problems, [])
  })

  test('keeps to the machines that the deployment names, and leaves excluded ones out', () => {
    const machines = ['A', 'B', 'C'].map(id => machine(id))
    const only = planDeployment(
      inputs([step([action('a')])], { deployment: { specificMachineIds: ['B', 'C'] } }),
      machines,
    )
    assert.deepEqual(only.steps[0]?.machineIds, ['B', 'C'])
    const without = planDeployment(
      inputs([step([action('a')])], { deployment: { excludedMachineIds: ['B'] } }),
      machines,
    )
    assert.deepEqual(without.steps[0]?.machineIds, ['A', 'C'])
  })

  test('deployment 7.53: leaves unavailable machines out only when the project skips them', () => {
    const off = { ...unknownHealth, status: 'Unavailable' as const }
    const sick = { ...unknownHealth, status: 'Unhealthy' as const }
    const machines = [machine('A'), machine('B', { health: off }), machine('C', { health: sick })]
    const planned = (policy: Partial<ProjectConnectivityPolicy>) =>
      planDeployment(inputs([step([action('a')])], { policy }), machines).steps[0]?.machineIds
    assert.deepEqual(planned({}), ['A', 'B', 'C'])
    assert.deepEqual(planned({ skipMachineBehavior: 'SkipUnavailableMachines' }), ['A', 'C'])
    assert.deepEqual(planned({ skipMachineBehavior: 'SkipUnavailableMachines', targetRoles: ['db'] }), [
      'A',
      'B',
      'C',
    ])
    assert.deepEqual(planned({ excludeUnhealthyTargets: true }), ['A', 'B'])
  })

  test('takes machines of the tenant for a tenant, and the others for none', () => {
    const machines = [
      machine('none'),
      machine('both', { tenantedDeploymentParticipation: 'TenantedOrUntenanted', tenantIds: ['Tenants-1'] }),
      machine('tagged', { tenantedDeploymentParticipation: 'Tenanted', tenantTags: ['ring/early'] }),
      machine('stranger', { tenantedDeploymentParticipation: 'Tenanted', tenantIds: ['Tenants-2'] }),
    ]
    const steps = [step([action('a')])]
    assert.deepEqual(planDeployment(inputs(steps), machines).steps[0]?.machineIds, ['none', 'both'])
    assert.deepEqual(planDeployment(inputs(steps, { tenant: acme }), machines).steps[0]?.machineIds, [
      'both',
      'tagged',
    ])
  })

  test('skips actions that are disabled, left out, or meant for something else, and says why', () => {
    const reasonFor = (more: Partial<DeploymentAction>, changes: Changes = {}) =>
      planDeployment(inputs([step([action('a', more)]), step([action('b')])], changes), [machine('A')])
        .steps[0]?.skipReason
    assert.equal(reasonFor({}), null)
    assert.match(reasonFor({ isDisabled: true }) ?? '', /disabled/)
    assert.match(reasonFor({}, { deployment: { skipActions: ['a'] } }) ?? '', /left out/)
    assert.match(reasonFor({ environments: ['Environments-2'] }) ?? '', /does not run in Dev/)
    assert.match(reasonFor({ excludedEnvironments: ['environments-1'] }) ?? '', /does not run in Dev/)
    assert.match(reasonFor({ channels: ['Channels-2'] }) ?? '', /channel Default/)
    assert.match(reasonFor({ tenantTags: ['Ring/Early'] }) ?? '', /some tenants only/)
    assert.equal(
      reasonFor({ tenantTags: ['Ring/Early'], environments: ['Environments-1'] }, { tenant: acme }),
      'no machine in Dev has the role web',
    )
  })

  test('numbers actions of a rolling step, and takes the window for it', () => {
    const rolling = step([action('a'), action('b')], { 'Octopus.Action.MaxParallelism': '2' })
    const plan = planDeployment(inputs([step([action('x')]), rolling]), [machine('A')])
    assert.deepEqual(
      plan.steps.map(({ actions, window }) => [actions.map(({ number }) => number), window]),
      [
        [['1'], 10],
        [['2.1', '2.2'], 2],
      ],
    )
  })

  test('names what this server cannot do, before anything is done', () => {
    const problemOf = (more: Partial<DeploymentAction>, properties: DeploymentStep['properties'] = {}) =>
      planDeployment(inputs([step([action('a', more)], properties)]), [machine('A')]).problems[0] ?? ''
    assert.match(problemOf({ actionType: 'Octopus.AwsRunScript' }), /Octopus\.AwsRunScript/)
    assert.match(
      problemOf({ properties: { 'Octopus.Action.RunOnServer': 'True' } }),
      /on the server or a worker/,
    )
    assert.match(problemOf({}, { 'Octopus.Action.TargetRoles': '' }), /names no target roles/)
    assert.match(
      problemOf({ properties: { 'Octopus.Action.Script.ScriptSource': 'GitRepository' } }),
      /gitrepository/,
    )
    assert.equal(
      problemOf({ isDisabled: true, actionType: 'Octopus.Manual' }).includes('Octopus.Manual'),
      false,
    )
  })

  test('reaching nobody is a problem unless the project allows it', () => {
    const steps = [step([action('a')])]
    assert.match(planDeployment(inputs(steps), []).problems[0] ?? '', /no machine to deploy to.*web/)
    const plan = planDeployment(inputs(steps, { policy: { allowDeploymentsToNoTargets: true } }), [])
    assert.deepEqual(plan.problems, [])
    assert.match(plan.steps[0]?.skipReason ?? '', /no machine in Dev/)
    assert.match(planDeployment(inputs([]), []).problems[0] ?? '', /no steps/)
  })
})
