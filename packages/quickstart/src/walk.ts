import { openAsBlob } from 'node:fs'
import { basename, join } from 'node:path'
import { type AgentsOptions, agentsOf } from './agents.ts'
import { type ApiClient, type Resource, textOf } from './api-client.ts'
import { demandSuccess, followTask } from './follow-task.ts'
import type { HomeFolder } from './home-folder.ts'
import { sampleFolder } from './programs.ts'
import { makePackage } from './sample-package.ts'
import type { Terminal } from './terminal.ts'

export const sample = {
  environment: 'Development',
  role: 'web-server',
  project: 'Sample website',
  packageId: 'Sample.Website',
} as const

const space = '/api/Spaces-1'

export interface WalkOptions extends Pick<AgentsOptions, 'home' | 'api' | 'terminal'> {
  readonly signal: AbortSignal
}

async function findOrCreate(
  api: ApiClient,
  path: string,
  body: { readonly Name: string },
): Promise<Resource> {
  const found = (
    await api.items(`${path}?partialName=${encodeURIComponent(body.Name)}&take=2147483647`)
  ).find(item => item.Name === body.Name)
  return found ?? (await api.post(path, body))
}

export function ensureEnvironment(api: ApiClient): Promise<Resource> {
  return findOrCreate(api, `${space}/environments`, { Name: sample.environment })
}

/** Runs a task of the server and prints its lines; throws unless it ends well. */
async function runTask(options: WalkOptions, taskId: string): Promise<Resource> {
  const machines = agentsOf(options.home).map(agent => agent.name)
  const task = await followTask(options.api, taskId, machines, options.terminal, options.signal)
  demandSuccess(task)
  return task
}

export async function checkHealth(options: WalkOptions): Promise<void> {
  const environment = await ensureEnvironment(options.api)
  const task = await options.api.post('/api/tasks', {
    Name: 'Health',
    Description: 'Check the health of both agents',
    SpaceId: 'Spaces-1',
    Arguments: { EnvironmentId: environment.Id, Timeout: '00:05:00', MachineTimeout: '00:01:00' },
  })
  await runTask(options, task.Id)
  for (const machine of await options.api.items(`${space}/machines?take=2147483647`)) {
    options.terminal.line(`${textOf(machine, 'Name')}: ${textOf(machine, 'HealthStatus')}`)
  }
}

/** Makes the sample package and uploads it as any build server would. Answers its version. */
export async function uploadPackage({ api, home, terminal }: WalkOptions): Promise<string> {
  const number = home.load().nextRelease
  const version = `1.0.${number}`
  const archive = await makePackage(sampleFolder, sample.packageId, version, home.packages)
  const form = new FormData()
  const content = await openAsBlob(archive, { type: 'application/zip' })
  form.append('fileToUpload', content, basename(archive))
  await api.post(`${space}/packages/raw?overwriteMode=OverwriteExisting`, form)
  home.save({ nextRelease: number + 1 })
  terminal.line(`${basename(archive)} (${content.size.toLocaleString('en')} bytes) is in the package feed`)
  return version
}

/** The one step of the sample: deploy the package to every machine with the role. */
function deployStep(feedId: string) {
  return {
    Name: 'Deploy the website',
    Properties: { 'Octopus.Action.TargetRoles': sample.role },
    Condition: 'Success',
    StartTrigger: 'StartAfterPrevious',
    Actions: [
      {
        Name: 'Deploy the website',
        ActionType: 'Octopus.TentaclePackage',
        Packages: [
          {
            Name: '',
            PackageId: sample.packageId,
            FeedId: feedId,
            AcquisitionLocation: 'Server',
            Properties: {},
          },
        ],
        Properties: {
          'Octopus.Action.Package.PackageId': sample.packageId,
          'Octopus.Action.Package.FeedId': feedId,
          'Octopus.Action.EnabledFeatures': 'Octopus.Features.SubstituteInFiles',
          'Octopus.Action.SubstituteInFiles.TargetFiles': 'index.html\nconfig.json',
        },
      },
    ],
  }
}

const variables = [
  { Name: 'Site.Title', Value: 'Hello from Tentacle', Type: 'String', Scope: {} },
  { Name: 'Site.Database', Value: 'Host=db.example.org;Database=site', Type: 'String', Scope: {} },
]

/** The project with its process and variables; made once, then left as the user may have changed it. */
async function ensureProject(api: ApiClient): Promise<Resource> {
  const projects = await api.items(`${space}/projects?take=2147483647`)
  const known = projects.find(project => project.Name === sample.project)
  if (known) return known
  const [group] = await api.items(`${space}/projectgroups?take=1`)
  const [lifecycle] = await api.items(`${space}/lifecycles?take=1`)
  const [feed] = await api.items(`${space}/feeds?take=1`)
  const project = await api.post(`${space}/projects`, {
    Name: sample.project,
    ProjectGroupId: group?.Id,
    LifecycleId: lifecycle?.Id,
  })
  const process = await api.get(`${space}/projects/${project.Id}/deploymentprocesses`)
  await api.put(`${space}/projects/${project.Id}/deploymentprocesses`, {
    Id: process.Id,
    Version: Number(process.Version ?? 0),
    Steps: [deployStep(feed?.Id ?? 'feeds-builtin')],
  })
  const set = await api.get(`${space}/variables/variableset-${project.Id}`)
  await api.put(`${space}/variables/variableset-${project.Id}`, {
    Id: set.Id,
    OwnerId: project.Id,
    Version: Number(set.Version ?? 0),
    Variables: variables,
  })
  return project
}

export async function deploy(options: WalkOptions, version: string): Promise<void> {
  const { api, terminal } = options
  const project = await ensureProject(api)
  const release = await api.post(`${space}/releases/create/v1`, {
    spaceIdOrName: 'Spaces-1',
    ProjectName: textOf(project, 'Name'),
    ReleaseVersion: version,
    PackageVersion: version,
    IgnoreIfAlreadyExists: true,
  })
  terminal.line(
    `Release ${textOf(release, 'ReleaseVersion')} of ${textOf(project, 'Name')} to ${sample.environment}`,
  )
  const answer = await api.post(`${space}/deployments/create/untenanted/v1`, {
    spaceIdOrName: 'Spaces-1',
    ProjectName: textOf(project, 'Name'),
    ReleaseVersion: version,
    EnvironmentNames: [sample.environment],
  })
  const tasks = Array.isArray(answer.DeploymentServerTasks) ? answer.DeploymentServerTasks : []
  for (const task of tasks) await runTask(options, textOf(task, 'ServerTaskId'))
}

/** Where the deployed files of a release are, one folder an agent. */
export function deployedFolders(home: HomeFolder, version: string): readonly string[] {
  return agentsOf(home).map(agent => join(agent.applications, sample.environment, sample.packageId, version))
}

export function showFolders(terminal: Terminal, folders: readonly string[]): void {
  for (const folder of folders) terminal.fact('files', folder)
}
