import { Button, Skeleton } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useEffect } from 'react'
import { isGone } from '../api/api-error.ts'
import { queries } from '../api/queries.ts'
import { rawLogUrl, type Task } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Icon } from '../parts/icons.tsx'
import { ButtonLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { LogPanel } from '../task-log/log-panel.tsx'
import { useTaskFeed } from '../task-log/use-task-feed.ts'
import { CancelButton } from './cancel-button.tsx'
import { TaskFacts } from './task-facts.tsx'

/** One task: what it is, how it goes, and its log as it is written. */
export function TaskPage(): ReactNode {
  const { task: id } = useParams({ from: '/inside/$space/tasks/$task' })
  return <LiveTask key={id} id={id} />
}

function LiveTask({ id }: { id: string }): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const query = useQuery(queries.task(api, id))
  const feed = useTaskFeed(id)
  const newState = feed.task?.state

  // The stream tells that the task changed; the rest (times, messages, warnings) is asked for.
  useEffect(() => {
    if (newState !== undefined) void cache.invalidateQueries({ queryKey: queries.task(api, id).queryKey })
  }, [api, cache, id, newState])

  useEffect(() => {
    if (feed.error?.code === 'ERR_SIGNED_OUT') void cache.refetchQueries({ queryKey: ['me'] })
  }, [cache, feed.error])

  if (query.isPending) {
    return (
      <Page title="Task" wide>
        <Skeleton height={60} />
        <Skeleton height={300} />
      </Page>
    )
  }
  if (query.data === undefined || isGone(query.error)) {
    return (
      <Page title="Task">
        <ErrorPanel
          title={`The task ${id} could not be loaded`}
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      </Page>
    )
  }
  return (
    <Page
      title={query.data.description}
      wide
      lead={<TaskFacts task={query.data} />}
      actions={<Actions task={query.data} />}
    >
      {query.data.errorMessage ? (
        <ErrorPanel title="The task failed" error={new Error(query.data.errorMessage)} />
      ) : null}
      <LogPanel feed={feed} task={query.data} />
    </Page>
  )
}

function Actions({ task }: { task: Task }): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/tasks/$task' })
  return (
    <>
      {task.name === 'AdHocScript' ? (
        <ButtonLink
          to="/$space/tasks/console"
          params={{ space }}
          search={{ from: task.id }}
          variant="default"
        >
          Edit and run again
        </ButtonLink>
      ) : null}
      <Button
        component="a"
        href={rawLogUrl(api, task.id)}
        download={`${task.id}.log.txt`}
        variant="default"
        leftSection={<Icon name="download" />}
      >
        Raw log
      </Button>
      {task.isCompleted ? null : <CancelButton task={task} />}
    </>
  )
}
