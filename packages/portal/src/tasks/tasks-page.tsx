import { Button, NativeSelect, Skeleton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { queries } from '../api/queries.ts'
import { countOf } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { ButtonLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { count, formatNumber } from '../text/count.ts'
import { isTaskState, taskLook, taskStateNames } from '../text/states.ts'
import { TaskTable } from './task-table.tsx'
import styles from './tasks-page.module.css'

const perPage = 30

/** All tasks of the space, narrowed by state; kept true by live events. */
export function TasksPage(): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/tasks' })
  const { state, page = 1 } = useSearch({ from: '/inside/$space/tasks' })
  const navigate = useNavigate({ from: '/$space/tasks' })
  const filter = { states: state ? [state] : [], skip: (page - 1) * perPage, take: perPage }
  const tasks = useQuery({ ...queries.tasks(api, space, filter), placeholderData: keepPreviousData })
  const counts = tasks.data?.counts ?? {}
  const pages = Math.max(1, Math.ceil((tasks.data?.total ?? 0) / perPage))

  const choices = [
    { value: '', label: 'All states' },
    ...taskStateNames.map(name => {
      const known = countOf(counts, name)
      const label = taskLook(name).label
      return { value: name, label: known === undefined ? label : `${label} (${formatNumber(known)})` }
    }),
  ]

  function choose(value: string): void {
    void navigate({ search: isTaskState(value) ? { state: value } : {} })
  }

  function turnTo(number: number): void {
    void navigate({ search: { ...(state ? { state } : {}), ...(number > 1 ? { page: number } : {}) } })
  }

  return (
    <Page
      title="Tasks"
      lead="Everything the server does or did: deployments, scripts, health checks"
      actions={
        <ButtonLink to="/$space/tasks/console" params={{ space }} variant="default">
          Run a script
        </ButtonLink>
      }
    >
      <Panel
        title={tasks.data ? count(tasks.data.total, 'task') : 'Tasks'}
        flush
        actions={
          <NativeSelect
            aria-label="Show tasks in state"
            size="xs"
            value={state ?? ''}
            data={choices}
            onChange={event => choose(event.currentTarget.value)}
          />
        }
      >
        {tasks.isError ? (
          <div className={styles.inset}>
            <ErrorPanel
              title="The tasks could not be loaded"
              error={tasks.error}
              onRetry={() => void tasks.refetch()}
            />
          </div>
        ) : null}
        {tasks.isPending ? (
          <div className={styles.inset}>
            <Skeleton height={180} />
          </div>
        ) : null}
        {tasks.data && tasks.data.items.length > 0 ? (
          <TaskTable tasks={tasks.data.items} space={space} label="Tasks" />
        ) : null}
        {tasks.data && tasks.data.items.length === 0 ? (
          <NoTasks space={space} isNarrowed={state !== undefined} />
        ) : null}
        {pages > 1 ? (
          <nav className={styles.pages} aria-label="Pages of tasks">
            <Button size="xs" variant="default" disabled={page <= 1} onClick={() => turnTo(page - 1)}>
              Newer
            </Button>
            <span>
              Page {page} of {pages}
            </span>
            <Button size="xs" variant="default" disabled={page >= pages} onClick={() => turnTo(page + 1)}>
              Older
            </Button>
          </nav>
        ) : null}
      </Panel>
    </Page>
  )
}

function NoTasks({ space, isNarrowed }: { space: string; isNarrowed: boolean }): ReactNode {
  if (isNarrowed) {
    return (
      <EmptyState
        icon="task"
        title="No task is in this state"
        action={
          <ButtonLink to="/$space/tasks" params={{ space }} search={{}} variant="default">
            Show all tasks
          </ButtonLink>
        }
      />
    )
  }
  return (
    <EmptyState
      icon="task"
      title="Nothing has been done yet"
      action={
        <ButtonLink to="/$space/tasks/console" params={{ space }}>
          Run a first script
        </ButtonLink>
      }
    >
      Health checks, scripts and deployments appear here with their logs.
    </EmptyState>
  )
}
