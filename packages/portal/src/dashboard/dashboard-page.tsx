import { Skeleton } from '@mantine/core'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { ButtonLink, TextLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { TaskTable } from '../tasks/task-table.tsx'
import styles from './dashboard-page.module.css'
import { DeploymentGrid } from './deployment-grid.tsx'
import { HealthSummary } from './health-summary.tsx'

/** The front page: what is deployed where, how the machines are, what happened last. */
export function DashboardPage(): ReactNode {
  const { space } = useParams({ from: '/inside/$space' })
  return (
    <Page title="Dashboard">
      <Deployments space={space} />
      <div className={styles.columns}>
        <Targets space={space} />
        <RecentTasks space={space} />
      </div>
    </Page>
  )
}

function Deployments({ space }: { space: string }): ReactNode {
  const api = useApi()
  const projects = useQuery(queries.projects(api, space))
  const environments = useQuery(queries.environments(api, space))
  const deployments = useQuery(queries.deployments(api, space))
  const trouble = failed(projects, environments, deployments)
  const isReady = projects.data && environments.data && deployments.data
  return (
    <Panel title="Deployments" flush={Boolean(projects.data?.length)}>
      {trouble ? (
        <ErrorPanel
          title="The deployments could not be loaded"
          error={trouble.error}
          onRetry={() => void trouble.refetch()}
        />
      ) : null}
      {isReady || trouble ? null : <Skeleton height={80} />}
      {isReady && projects.data.length === 0 ? (
        <EmptyState
          icon="package"
          title="No project yet"
          action={
            <ButtonLink to="/$space/library/packages" params={{ space }} variant="default">
              Upload a package
            </ButtonLink>
          }
        >
          A project says which packages go to which roles. Make one over the REST API or with a client that
          you know; what it deploys is shown here, by environment.
        </EmptyState>
      ) : null}
      {isReady && projects.data.length > 0 ? (
        <DeploymentGrid
          projects={projects.data}
          environments={environments.data}
          deployments={deployments.data}
          space={space}
        />
      ) : null}
    </Panel>
  )
}

function Targets({ space }: { space: string }): ReactNode {
  const api = useApi()
  const machines = useQuery(queries.machines(api, space))
  return (
    <Panel
      title="Deployment targets"
      flush={Boolean(machines.data?.length)}
      actions={
        <TextLink to="/$space/infrastructure/machines" params={{ space }}>
          All targets
        </TextLink>
      }
    >
      {machines.isError ? (
        <ErrorPanel
          title="The targets could not be loaded"
          error={machines.error}
          onRetry={() => void machines.refetch()}
        />
      ) : null}
      {machines.isPending ? <Skeleton height={80} /> : null}
      {machines.data?.length === 0 ? (
        <EmptyState
          icon="target"
          title="No machine is connected yet"
          action={
            <ButtonLink to="/$space/infrastructure/connect" params={{ space }}>
              Connect a Tentacle
            </ButtonLink>
          }
        />
      ) : null}
      {machines.data?.length ? <HealthSummary machines={machines.data} space={space} /> : null}
    </Panel>
  )
}

function RecentTasks({ space }: { space: string }): ReactNode {
  const api = useApi()
  const tasks = useQuery(queries.tasks(api, space, { take: 8 }))
  const items = tasks.data?.items ?? []
  return (
    <Panel
      title="Recent tasks"
      flush={items.length > 0}
      actions={
        <TextLink to="/$space/tasks" params={{ space }}>
          All tasks
        </TextLink>
      }
    >
      {tasks.isError ? (
        <ErrorPanel
          title="The tasks could not be loaded"
          error={tasks.error}
          onRetry={() => void tasks.refetch()}
        />
      ) : null}
      {tasks.isPending ? <Skeleton height={120} /> : null}
      {tasks.data && items.length === 0 ? <p className={styles.none}>Nothing has been done yet.</p> : null}
      {items.length > 0 ? <TaskTable tasks={items} space={space} label="Recent tasks" /> : null}
    </Panel>
  )
}

function failed(...queries: readonly UseQueryResult[]): UseQueryResult | undefined {
  return queries.find(query => query.isError)
}
