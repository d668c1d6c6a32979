import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { ConnectionLine, Machine } from '../api/machines.ts'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { Age } from '../parts/age.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { KeyValue, KeyValues } from '../parts/key-values.tsx'
import { Panel } from '../parts/panel.tsx'
import { formatTime } from '../text/moment.ts'
import styles from './connectivity-panel.module.css'

/** What the last health check found, with its lines. */
export function ConnectivityPanel({ machine, space }: { machine: Machine; space: string }): ReactNode {
  const api = useApi()
  const connection = useQuery(queries.machineConnection(api, space, machine.id))
  const lines = connection.data?.lines ?? []
  return (
    <Panel title="Connectivity">
      <KeyValues>
        <KeyValue name="Result">{machine.summary}</KeyValue>
        <KeyValue name="Last check">
          <Age moment={connection.data?.lastChecked ?? machine.lastChecked} never="Not checked yet" />
        </KeyValue>
      </KeyValues>
      {connection.isPending ? <Skeleton height={120} mt="md" /> : null}
      {connection.isError ? (
        <ErrorPanel
          title="The last check could not be loaded"
          error={connection.error}
          onRetry={() => void connection.refetch()}
        />
      ) : null}
      {connection.data && lines.length === 0 ? (
        <p className={styles.none}>There is no log of a check. “Check health” writes one.</p>
      ) : null}
      {lines.length > 0 ? (
        <section
          className={styles.log}
          aria-label="Log of the last check"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable without a mouse
          tabIndex={0}
        >
          {lines.map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a finished check never move
            <Line key={at} line={line} />
          ))}
        </section>
      ) : null}
    </Panel>
  )
}

function Line({ line }: { line: ConnectionLine }): ReactNode {
  const isPlain = line.category === 'Info' || line.category === 'Verbose'
  return (
    <div className={styles.line} data-category={line.category}>
      <span className={styles.time}>{line.at === undefined ? '' : formatTime(line.at)}</span>
      <span>
        {isPlain ? '' : `${line.category}: `}
        {line.message}
        {line.detail ? <span className={styles.detail}>{line.detail}</span> : null}
      </span>
    </div>
  )
}
