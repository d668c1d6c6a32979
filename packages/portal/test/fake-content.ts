import type { Doc } from './answers.ts'
import type { FakeServer } from './fake-server.ts'

const minute = 60_000

/** A moment so many minutes ago, as the API writes it. */
export function ago(minutes: number): string {
  return new Date(Date.now() - minutes * minute).toISOString().replace('Z', '+00:00')
}

/** A target as the API describes it; parts that are given replace the usual ones. */
export function machine(id: string, name: string, part: Doc = {}): Doc {
  return {
    Id: id,
    Name: name,
    EnvironmentIds: ['Environments-1'],
    Roles: ['web'],
    MachinePolicyId: 'MachinePolicies-1',
    IsDisabled: false,
    HealthStatus: 'Healthy',
    StatusSummary: 'The last health check found nothing wrong.',
    LastChecked: ago(4),
    OperatingSystem: 'Debian GNU/Linux',
    OperatingSystemVersion: '12',
    Architecture: 'x64',
    ShellName: 'Bash',
    ShellVersion: '5.2.15',
    Thumbprint: null,
    Endpoint: {
      CommunicationStyle: 'TentaclePassive',
      Uri: `https://${name}.example.test:10933/`,
      Thumbprint: '9C41B0D27E5A6F18C3D94E02B7A815F6E0D3C92A',
      TentacleVersionDetails: { Version: '0.1.0' },
    },
    ...part,
  }
}

/** A space with a few of everything, as a team would have it. */
export function fillTypical(fake: FakeServer): void {
  const { content, tasks } = fake
  content.environments.push(
    { Id: 'Environments-1', Name: 'Development' },
    { Id: 'Environments-2', Name: 'Test' },
    { Id: 'Environments-3', Name: 'Production' },
  )
  const polling = (subscription: string, part: Doc = {}) => ({
    CommunicationStyle: 'TentacleActive',
    Uri: `poll://${subscription}/`,
    Thumbprint: '3B7D0A92C4E16F85A09D3C7E5B2148F6D0C9A3E7',
    TentacleVersionDetails: { Version: '0.1.0' },
    ...part,
  })
  content.machines.push(
    machine('Machines-1', 'web01'),
    machine('Machines-2', 'web02', { EnvironmentIds: ['Environments-2'], HealthStatus: 'HasWarnings' }),
    machine('Machines-3', 'shop-db', {
      EnvironmentIds: ['Environments-3'],
      Roles: ['database', 'backup'],
      HealthStatus: 'Unavailable',
      StatusSummary: 'The Tentacle at https://shop-db.example.test:10933/ did not answer within 60 s.',
      LastChecked: ago(61),
    }),
    machine('Machines-4', 'edge-berlin', {
      EnvironmentIds: ['Environments-2', 'Environments-3'],
      Roles: ['web', 'edge'],
      Endpoint: polling('k3x8q0m2v7c1z5b9t4ra'),
    }),
    machine('Machines-5', 'edge-lisbon', {
      EnvironmentIds: ['Environments-3'],
      Roles: ['edge'],
      HealthStatus: 'Unknown',
      StatusSummary: 'This machine was added recently and has not been checked yet.',
      LastChecked: null,
      Endpoint: polling('n6w1d4s8y2h7j5f0g3ue', { TentacleVersionDetails: null }),
    }),
    machine('Machines-6', 'old-web', { EnvironmentIds: ['Environments-1'], IsDisabled: true }),
  )
  content.connections.set('Machines-1', {
    MachineId: 'Machines-1',
    Status: 'Online',
    CurrentTentacleVersion: '0.1.0',
    LastChecked: ago(4),
    Logs: [
      {
        Category: 'Info',
        OccurredAt: ago(4),
        MessageText: 'Connecting to https://web01.example.test:10933/',
      },
      {
        Category: 'Info',
        OccurredAt: ago(4),
        MessageText: 'The certificate is the one that was registered.',
      },
      {
        Category: 'Verbose',
        OccurredAt: ago(4),
        MessageText: 'Services: IScriptServiceV2, IFileTransferService, ICapabilitiesServiceV2',
      },
      {
        Category: 'Info',
        OccurredAt: ago(4),
        MessageText: 'Tentacle 0.1.0 on Debian GNU/Linux 12, bash 5.2.15',
      },
      { Category: 'Warning', OccurredAt: ago(4), MessageText: 'The disk of /home has 8 % free space left.' },
    ],
  })
  content.projects.push({ Id: 'Projects-1', Name: 'Web shop' }, { Id: 'Projects-2', Name: 'Price service' })
  content.releases.push(
    { Id: 'Releases-1', Version: '1.4.0', ProjectId: 'Projects-1' },
    { Id: 'Releases-2', Version: '1.5.0-beta.2', ProjectId: 'Projects-1' },
    { Id: 'Releases-3', Version: '0.9.12', ProjectId: 'Projects-2' },
  )
  const tasksOf = (description: string, name: string, part: Doc) => {
    const task = tasks.add({ Name: name, Description: description, Arguments: {} })
    Object.assign(task.doc, part)
    return task
  }
  const done = (state: string, minutes: number, seconds: number): Doc => ({
    State: state,
    IsCompleted: true,
    QueueTime: ago(minutes),
    StartTime: ago(minutes),
    CompletedTime: new Date(Date.parse(ago(minutes)) + seconds * 1000).toISOString(),
  })
  tasksOf('Deploy Web shop release 1.4.0 to Development', 'Deploy', done('Success', 60 * 27, 41))
  tasksOf('Deploy Web shop release 1.4.0 to Production', 'Deploy', {
    ...done('Success', 60 * 22, 187),
    HasWarningsOrErrors: true,
  })
  tasksOf('Deploy Price service release 0.9.12 to Test', 'Deploy', {
    ...done('Failed', 95, 12),
    ErrorMessage: 'The script of step “Deploy service” ended with exit code 3 on edge-berlin.',
  })
  tasksOf('Deploy Web shop release 1.5.0-beta.2 to Development', 'Deploy', {
    State: 'Executing',
    QueueTime: ago(2),
    StartTime: ago(2),
  })
  tasksOf('Check the health of 5 targets', 'Health', {
    ...done('Canceled', 34, 65),
    Arguments: { MachineIds: ['Machines-1', 'Machines-2'] },
  })
  tasksOf('Free disk space', 'AdHocScript', {
    ...done('Success', 12, 3.4),
    Arguments: {
      MachineIds: ['Machines-1'],
      ScriptBody: 'df -h /\nuptime',
      Syntax: 'Bash',
      TargetType: 'Machines',
    },
  })
  const deployment = (
    number: number,
    project: string,
    environment: string,
    release: string,
    minutes: number,
  ) =>
    content.deployments.unshift({
      Id: `Deployments-${number}`,
      ProjectId: project,
      EnvironmentId: environment,
      ReleaseId: release,
      TaskId: `ServerTasks-${number}`,
      Created: ago(minutes),
    })
  deployment(1, 'Projects-1', 'Environments-1', 'Releases-1', 60 * 27)
  deployment(2, 'Projects-1', 'Environments-3', 'Releases-1', 60 * 22)
  deployment(3, 'Projects-2', 'Environments-2', 'Releases-3', 95)
  deployment(4, 'Projects-1', 'Environments-1', 'Releases-2', 2)
  const item = (packageId: string, version: string, size: number, minutes: number) =>
    content.packages.push({
      Id: `packages-${packageId}.${version}`,
      PackageId: packageId,
      Version: version,
      FileExtension: '.zip',
      PackageSizeBytes: size,
      Published: ago(minutes),
    })
  item('Acme.Web', '1.5.0-beta.2', 4_812_311, 30)
  item('Acme.Web', '1.4.0', 4_790_112, 60 * 30)
  item('Acme.Web', '1.3.9', 4_611_009, 60 * 24 * 9)
  item('Acme.Prices', '0.9.12', 812_554, 60 * 5)
}
