import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { type ApiClient, type Resource, textOf } from '@tentacle/quickstart'
import { environment, role } from './system.ts'

const space = '/api/Spaces-1'

export interface LogLine {
  readonly machine: string
  readonly text: string
}

async function first(api: ApiClient, list: string): Promise<string> {
  const [item] = await api.items(`${space}/${list}?take=1`)
  if (!item) throw new Error(`A new space has no ${list}.`)
  return item.Id
}

/** A project with one step that deploys the package to the machines with the role of the tests. */
export async function createProject(api: ApiClient, name: string, packageId: string): Promise<Resource> {
  const project = await api.post(`${space}/projects`, {
    Name: name,
    ProjectGroupId: await first(api, 'projectgroups'),
    LifecycleId: await first(api, 'lifecycles'),
  })
  const feed = await first(api, 'feeds')
  const path = `${space}/projects/${project.Id}/deploymentprocesses`
  const process = await api.get(path)
  await api.put(path, {
    Id: process.Id,
    Version: Number(process.Version ?? 0),
    Steps: [
      {
        Name: 'Deploy',
        Properties: { 'Octopus.Action.TargetRoles': role },
        Actions: [
          {
            Name: 'Deploy',
            ActionType: 'Octopus.TentaclePackage',
            Packages: [
              { Name: '', PackageId: packageId, FeedId: feed, AcquisitionLocation: 'Server', Properties: {} },
            ],
            Properties: {
              'Octopus.Action.Package.PackageId': packageId,
              'Octopus.Action.Package.FeedId': feed,
            },
          },
        ],
      },
    ],
  })
  return project
}

export async function upload(api: ApiClient, archive: string): Promise<Resource> {
  const form = new FormData()
  form.append('fileToUpload', await openAsBlob(archive), basename(archive))
  return api.post(`${space}/packages/raw`, form)
}

/** Creates the release and its deployment; answers the id of the task. */
export async function startDeployment(api: ApiClient, project: string, version: string): Promise<string> {
  const common = { spaceIdOrName: 'Spaces-1', ProjectName: project, ReleaseVersion: version }
  await api.post(`${space}/releases/create/v1`, {
    ...common,
    PackageVersion: version,
    IgnoreIfAlreadyExists: true,
  })
  const answer = await api.post(`${space}/deployments/create/untenanted/v1`, {
    ...common,
    EnvironmentNames: [environment],
  })
  const [task] = Array.isArray(answer.DeploymentServerTasks) ? answer.DeploymentServerTasks : []
  return textOf(task, 'ServerTaskId')
}

interface Activity {
  readonly Name: string
  readonly LogElements: readonly { readonly MessageText: string }[]
  readonly Children: readonly Activity[]
}

/** Every line of a task's log with the machine that it belongs to, in the order of each activity. */
export async function logLines(
  api: ApiClient,
  taskId: string,
  machines: readonly string[],
): Promise<readonly LogLine[]> {
  const details = await api.get(`/api/tasks/${taskId}/details?verbose=true&tail=100000`)
  const lines: LogLine[] = []
  const visit = (activity: Activity, machine: string): void => {
    const here = machines.find(name => activity.Name.includes(name)) ?? machine
    for (const element of activity.LogElements) lines.push({ machine: here, text: element.MessageText })
    for (const child of activity.Children) visit(child, here)
  }
  const roots = details.ActivityLogs
  if (!Array.isArray(roots)) throw new Error('The details of a task have no ActivityLogs.')
  for (const root of roots) visit(root, 'server')
  return lines
}
