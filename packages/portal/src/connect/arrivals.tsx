import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { SignIcon } from '../parts/icons.tsx'
import { TextLink } from '../parts/link.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { healthLook } from '../text/states.ts'
import styles from './arrivals.module.css'

/** Waits for machines that register while this page is open, and shows how their first health check goes. */
export function Arrivals({ space }: { space: string }): ReactNode {
  const api = useApi()
  const machines = useQuery(queries.machines(api, space))
  const [known, setKnown] = useState<ReadonlySet<string>>()
  if (known === undefined && machines.data) setKnown(new Set(machines.data.map(({ id }) => id)))
  const arrived = machines.data?.filter(({ id }) => known && !known.has(id)) ?? []
  return (
    <div className={styles.place} role="status">
      {arrived.length === 0 ? (
        <span className={styles.waiting}>
          <SignIcon sign="spin" />
          Waiting for a new machine to register …
        </span>
      ) : (
        arrived.map(machine => (
          <span key={machine.id} className={styles.arrived}>
            <TextLink to="/$space/infrastructure/machines/$machine" params={{ space, machine: machine.id }}>
              {machine.name}
            </TextLink>
            has registered
            <StateMark look={healthLook(machine.health, machine.isDisabled)} />
          </span>
        ))
      )}
    </div>
  )
}
