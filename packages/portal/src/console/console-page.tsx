import { Button, Skeleton, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { FormEvent, KeyboardEvent, ReactNode } from 'react'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { createTask } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { ButtonLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import styles from './console-page.module.css'
import { emptyForm, formFromTask, missingParts, type ScriptForm, scriptTask } from './script-request.ts'
import { TargetPicker } from './target-picker.tsx'

/** Runs a bash script on targets. A script that ran before is taken up again with `?from=ServerTasks-7`. */
export function ConsolePage(): ReactNode {
  const api = useApi()
  const { from, machine } = useSearch({ from: '/inside/$space/tasks/console' })
  const before = useQuery({ ...queries.task(api, from ?? ''), enabled: from !== undefined })
  const lead = 'Runs a script once, on the targets of your choice, and shows what it prints'
  if (from !== undefined && before.isPending) {
    return (
      <Page title="Script console" lead={lead}>
        <Skeleton height={320} />
      </Page>
    )
  }
  const start = before.data
    ? formFromTask(before.data.description, before.data.arguments)
    : { ...emptyForm, machineIds: machine === undefined ? [] : [machine] }
  return (
    <Page title="Script console" lead={lead}>
      {before.isError ? (
        <ErrorPanel title="The script that ran before could not be loaded" error={before.error} />
      ) : null}
      <ScriptEditor key={`${from} ${machine}`} start={start} />
    </Page>
  )
}

function ScriptEditor({ start }: { start: ScriptForm }): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const { space } = useParams({ from: '/inside/$space/tasks/console' })
  const machines = useQuery(queries.machines(api, space))
  const environments = useQuery(queries.environments(api, space))
  const [form, setForm] = useState(start)
  const [wasTried, setTried] = useState(false)
  const missing = wasTried ? missingParts(form) : {}

  const run = useMutation({
    mutationFn: () => createTask(api, scriptTask(space, form)),
    async onSuccess(task) {
      void cache.invalidateQueries({ queryKey: ['tasks'] })
      await navigate({ to: '/$space/tasks/$task', params: { space, task: task.id } })
    },
  })

  function submit(event?: FormEvent): void {
    event?.preventDefault()
    setTried(true)
    if (Object.keys(missingParts(form)).length === 0 && !run.isPending) run.mutate()
  }

  function onKey(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    submit()
  }

  const change = (part: Partial<ScriptForm>): void => setForm({ ...form, ...part })

  if (machines.isError) {
    return (
      <ErrorPanel
        title="The targets could not be loaded"
        error={machines.error}
        onRetry={() => void machines.refetch()}
      />
    )
  }
  if (machines.data?.length === 0) {
    return (
      <Panel title="Script">
        <EmptyState
          icon="target"
          title="There is no machine to run a script on"
          action={
            <ButtonLink to="/$space/infrastructure/connect" params={{ space }}>
              Connect a Tentacle
            </ButtonLink>
          }
        />
      </Panel>
    )
  }
  return (
    <form onSubmit={submit} className={styles.form}>
      <Panel title="Bash script">
        <div className={styles.fields}>
          <TextInput
            label="What it is for"
            description="Becomes the name of the task"
            placeholder="Script from the console"
            value={form.description}
            maxLength={200}
            onChange={event => change({ description: event.currentTarget.value })}
          />
          <Textarea
            label="Script"
            classNames={{ input: styles.code ?? '' }}
            autosize
            minRows={12}
            maxRows={30}
            spellCheck={false}
            autoCapitalize="off"
            autoCorrect="off"
            placeholder={'df -h\nuptime'}
            value={form.body}
            error={missing.body}
            onChange={event => change({ body: event.currentTarget.value })}
            onKeyDown={onKey}
          />
        </div>
      </Panel>
      <div className={styles.side}>
        <Panel title="Where it runs">
          {machines.data ? (
            <TargetPicker
              form={form}
              machines={machines.data}
              environments={environments.data ?? []}
              onChange={change}
            />
          ) : (
            <Skeleton height={160} />
          )}
          {missing.targets ? (
            <p className={styles.missing} role="alert">
              {missing.targets}
            </p>
          ) : null}
        </Panel>
        {run.isError ? <ErrorPanel title="The script was not started" error={run.error} /> : null}
        <div className={styles.run}>
          <Button type="submit" loading={run.isPending}>
            Run the script
          </Button>
          <span className={styles.hint}>or Ctrl + Enter in the script</span>
        </div>
      </div>
    </form>
  )
}
