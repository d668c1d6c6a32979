import { Button, NativeSelect, Skeleton, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Icon } from '../parts/icons.tsx'
import { ButtonLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { count, formatNumber } from '../text/count.ts'
import { healthLook } from '../text/states.ts'
import { HealthCheckButton } from './health-check-button.tsx'
import { countByHealth, filterMachines, machineStates } from './machine-filter.ts'
import { MachineTable } from './machine-table.tsx'
import styles from './machines-page.module.css'

/** Rows drawn at once; the rest comes on request. */
const rowsAtOnce = 200

/** All deployment targets of the space with their health. */
export function MachinesPage(): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/infrastructure/machines' })
  const search = useSearch({ from: '/inside/$space/infrastructure/machines' })
  const machines = useQuery(queries.machines(api, space))
  const environments = useQuery(queries.environments(api, space))
  const [limit, setLimit] = useState(rowsAtOnce)

  const all = machines.data ?? []
  const shown = filterMachines(all, {
    text: search.filter,
    environmentId: search.environment,
    health: search.health,
  })
  const isNarrowed = Boolean(search.filter || search.environment || search.health)

  return (
    <Page
      title="Deployment targets"
      lead="Machines that have a Tentacle and take work from this server"
      actions={
        <>
          <HealthCheckButton
            space={space}
            machines={shown}
            label={isNarrowed ? 'Check health of those shown' : 'Check health'}
          />
          <ButtonLink to="/$space/infrastructure/connect" params={{ space }}>
            Connect a Tentacle
          </ButtonLink>
        </>
      }
    >
      {machines.isError ? (
        <ErrorPanel
          title="The targets could not be loaded"
          error={machines.error}
          onRetry={() => void machines.refetch()}
        />
      ) : null}
      {machines.isPending ? <Skeleton height={220} /> : null}
      {machines.data && all.length === 0 ? <NoMachines space={space} /> : null}
      {all.length > 0 ? (
        <Panel
          title={
            isNarrowed
              ? `${formatNumber(shown.length)} of ${count(all.length, 'target')}`
              : count(all.length, 'target')
          }
          flush
          actions={<Filters counts={countByHealth(all)} environments={environments.data ?? []} />}
        >
          {shown.length > 0 ? (
            <MachineTable
              machines={shown.slice(0, limit)}
              environments={environments.data ?? []}
              space={space}
            />
          ) : (
            <EmptyState
              icon="search"
              title="No target fits the filter"
              action={
                <ButtonLink
                  to="/$space/infrastructure/machines"
                  params={{ space }}
                  search={{}}
                  variant="default"
                >
                  Show all targets
                </ButtonLink>
              }
            />
          )}
          {shown.length > limit ? (
            <div className={styles.more}>
              <Button variant="default" size="xs" onClick={() => setLimit(limit + rowsAtOnce)}>
                Show {formatNumber(Math.min(rowsAtOnce, shown.length - limit))} more of{' '}
                {formatNumber(shown.length - limit)}
              </Button>
            </div>
          ) : null}
        </Panel>
      ) : null}
    </Page>
  )
}

function Filters({
  counts,
  environments,
}: {
  counts: ReadonlyMap<string, number>
  environments: readonly { id: string; name: string }[]
}): ReactNode {
  const search = useSearch({ from: '/inside/$space/infrastructure/machines' })
  const navigate = useNavigate({ from: '/$space/infrastructure/machines' })

  function change(name: 'filter' | 'environment' | 'health', value: string): void {
    const { [name]: _, ...rest } = search
    void navigate({ search: value === '' ? rest : { ...rest, [name]: value }, replace: true })
  }

  const states = machineStates.filter(state => (counts.get(state) ?? 0) > 0 || search.health === state)
  return (
    <div className={styles.filters}>
      <TextInput
        className={styles.search ?? ''}
        size="xs"
        type="search"
        aria-label="Filter targets by text"
        placeholder="Name, role, address …"
        leftSection={<Icon name="search" size={14} />}
        value={search.filter ?? ''}
        onChange={event => change('filter', event.currentTarget.value)}
      />
      <NativeSelect
        size="xs"
        aria-label="Show targets of environment"
        value={search.environment ?? ''}
        data={[
          { value: '', label: 'All environments' },
          ...environments.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        onChange={event => change('environment', event.currentTarget.value)}
      />
      <NativeSelect
        size="xs"
        aria-label="Show targets in state of health"
        value={search.health ?? ''}
        data={[
          { value: '', label: 'Any health' },
          ...states.map(state => ({
            value: state,
            label: `${state === 'Disabled' ? 'Disabled' : healthLook(state).label} (${formatNumber(counts.get(state) ?? 0)})`,
          })),
        ]}
        onChange={event => change('health', event.currentTarget.value)}
      />
    </div>
  )
}

function NoMachines({ space }: { space: string }): ReactNode {
  return (
    <Panel title="Deployment targets">
      <EmptyState
        icon="target"
        title="No machine is connected yet"
        action={
          <ButtonLink to="/$space/infrastructure/connect" params={{ space }}>
            Connect a Tentacle
          </ButtonLink>
        }
      >
        Install a Tentacle on a machine and register it here. The next page has the commands, ready to be
        copied.
      </EmptyState>
    </Panel>
  )
}
