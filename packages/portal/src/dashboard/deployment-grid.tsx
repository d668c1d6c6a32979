import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Environment } from '../api/environments.ts'
import type { Deployment, Project } from '../api/projects.ts'
import { queries } from '../api/queries.ts'
import type { Task } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { Age } from '../parts/age.tsx'
import { TextLink } from '../parts/link.tsx'
import { StateSign } from '../parts/state-mark.tsx'
import { taskLook } from '../text/states.ts'
import styles from './deployment-grid.module.css'
import { findLatestDeployments } from './latest-deployments.ts'

/** Projects by environments: the newest release in each, how its deployment went, and when. */
export function DeploymentGrid({
  projects,
  environments,
  deployments,
  space,
}: {
  projects: readonly Project[]
  environments: readonly Environment[]
  deployments: readonly Deployment[]
  space: string
}): ReactNode {
  const api = useApi()
  const latest = findLatestDeployments(deployments)
  const releases = useQuery(
    queries.releases(api, space, unique(latest.all.map(({ releaseId }) => releaseId))),
  )
  const tasks = useQuery(queries.tasksById(api, unique(latest.all.map(({ taskId }) => taskId))))
  const versions = new Map(releases.data?.map(({ id, version }) => [id, version]))
  const states = new Map(tasks.data?.map(task => [task.id, task]))

  return (
    <Table className={styles.grid ?? ''} aria-label="Newest releases by project and environment">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Project</Table.Th>
          {environments.map(({ id, name }) => (
            <Table.Th key={id}>{name}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {projects.map(project => (
          <Table.Tr key={project.id}>
            <Table.Th scope="row" className={styles.project ?? ''}>
              {project.name}
            </Table.Th>
            {environments.map(environment => {
              const deployment = latest.at(project.id, environment.id)
              return (
                <Table.Td key={environment.id}>
                  {deployment ? (
                    <Cell
                      deployment={deployment}
                      version={versions.get(deployment.releaseId)}
                      task={states.get(deployment.taskId)}
                      space={space}
                    />
                  ) : (
                    <span className={styles.nothing}>–</span>
                  )}
                </Table.Td>
              )
            })}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Cell({
  deployment,
  version,
  task,
  space,
}: {
  deployment: Deployment
  version: string | undefined
  task: Task | undefined
  space: string
}): ReactNode {
  const look = task ? taskLook(task.state, task.hasWarnings) : undefined
  return (
    <div className={styles.cell} data-tone={look?.tone ?? 'idle'}>
      {look ? <StateSign look={look} /> : null}
      <div>
        <TextLink
          to="/$space/tasks/$task"
          params={{ space, task: deployment.taskId }}
          className={styles.version}
        >
          {version ?? deployment.releaseId}
        </TextLink>
        <div className={styles.when}>
          {look ? `${look.label}, ` : ''}
          <Age moment={task?.completed ?? deployment.created} />
        </div>
      </div>
    </div>
  )
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter(Boolean))].toSorted()
}
