import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { isGone } from '../api/api-error.ts'
import type { Machine } from '../api/machines.ts'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { CopyButton } from '../parts/copy-text.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { KeyValue, KeyValues, Tags } from '../parts/key-values.tsx'
import { ButtonLink, TextLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { TaskTable } from '../tasks/task-table.tsx'
import { healthLook, styleName } from '../text/states.ts'
import { ConnectivityPanel } from './connectivity-panel.tsx'
import { HealthCheckButton } from './health-check-button.tsx'
import styles from './machine-page.module.css'

/** One target: what it is, how to reach it, what the last check found, and its tasks. */
export function MachinePage(): ReactNode {
  const api = useApi()
  const { space, machine: id } = useParams({ from: '/inside/$space/infrastructure/machines/$machine' })
  const query = useQuery(queries.machine(api, space, id))

  if (query.isPending) {
    return (
      <Page title="Deployment target">
        <Skeleton height={260} />
      </Page>
    )
  }
  if (query.data === undefined || isGone(query.error)) {
    return (
      <Page title="Deployment target">
        <ErrorPanel
          title={`The target ${id} could not be loaded`}
          error={query.error}
          onRetry={() => void query.refetch()}
        />
        <p>
          <TextLink to="/$space/infrastructure/machines" params={{ space }}>
            Go to all deployment targets
          </TextLink>
        </p>
      </Page>
    )
  }
  const machine = query.data
  return (
    <Page
      title={machine.name}
      lead={<StateMark look={healthLook(machine.health, machine.isDisabled)} />}
      actions={
        <>
          <HealthCheckButton space={space} machines={[machine]} label="Check health" />
          <ButtonLink
            to="/$space/tasks/console"
            params={{ space }}
            search={{ machine: machine.id }}
            variant="default"
            disabled={machine.isDisabled}
          >
            Run a script
          </ButtonLink>
        </>
      }
    >
      <div className={styles.columns}>
        <Settings machine={machine} space={space} />
        <ConnectivityPanel machine={machine} space={space} />
      </div>
      <MachineTasks machine={machine} space={space} />
    </Page>
  )
}

function Settings({ machine, space }: { machine: Machine; space: string }): ReactNode {
  const api = useApi()
  const environments = useQuery(queries.environments(api, space))
  const policy = useQuery(queries.policyName(api, space, machine.policyId))
  const names = new Map(environments.data?.map(({ id, name }) => [id, name]))
  return (
    <Panel title="Settings">
      <KeyValues>
        <KeyValue name="Name">{machine.name}</KeyValue>
        <KeyValue name="Takes work">{machine.isDisabled ? 'No, it is disabled' : 'Yes'}</KeyValue>
        <KeyValue name="Environments">
          {machine.environmentIds.map(id => names.get(id) ?? id).join(', ')}
        </KeyValue>
        <KeyValue name="Roles">
          <Tags names={machine.roles} />
        </KeyValue>
        <KeyValue name="Policy">{policy.data ?? machine.policyId}</KeyValue>
        <KeyValue name="Style">
          {styleName(machine.style)}
          <span className={styles.hint}>{styleHint(machine.style)}</span>
        </KeyValue>
        <KeyValue name="Address">
          <code>{machine.uri}</code>
        </KeyValue>
        <KeyValue name="Thumbprint">
          {machine.thumbprint ? (
            <span className={styles.thumbprint}>
              <code>{machine.thumbprint}</code>
              <CopyButton text={machine.thumbprint} what="the thumbprint" />
            </span>
          ) : null}
        </KeyValue>
        <KeyValue name="Tentacle version">{machine.version}</KeyValue>
        <KeyValue name="System">
          {[machine.operatingSystem, machine.architecture].filter(Boolean).join(', ')}
        </KeyValue>
        <KeyValue name="Shell">{machine.shell}</KeyValue>
        <KeyValue name="Id">{machine.id}</KeyValue>
      </KeyValues>
    </Panel>
  )
}

function styleHint(style: string): string {
  if (style === 'TentaclePassive') return 'The server opens the connection to the Tentacle.'
  if (style === 'TentacleActive') return 'The Tentacle opens the connection to the server and asks for work.'
  return ''
}

function MachineTasks({ machine, space }: { machine: Machine; space: string }): ReactNode {
  const api = useApi()
  const tasks = useQuery(queries.machineTasks(api, space, machine.id))
  return (
    <Panel title="Tasks of this target" flush={Boolean(tasks.data?.items.length)}>
      {tasks.isError ? (
        <ErrorPanel
          title="The tasks could not be loaded"
          error={tasks.error}
          onRetry={() => void tasks.refetch()}
        />
      ) : null}
      {tasks.isPending ? <Skeleton height={90} /> : null}
      {tasks.data?.items.length === 0 ? (
        <p className={styles.none}>
          Nothing has been done on this target yet. Check its health to try the connection.
        </p>
      ) : null}
      {tasks.data?.items.length ? (
        <TaskTable tasks={tasks.data.items} space={space} label={`Tasks of ${machine.name}`} />
      ) : null}
    </Panel>
  )
}
