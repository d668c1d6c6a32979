import type { ReactNode } from 'react'
import type { Machine } from '../api/machines.ts'
import { countByHealth, machineStates } from '../machines/machine-filter.ts'
import { TextLink } from '../parts/link.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { formatNumber } from '../text/count.ts'
import { healthLook } from '../text/states.ts'
import styles from './health-summary.module.css'

/** How many targets are in which state of health; each number leads to those targets. */
export function HealthSummary({
  machines,
  space,
}: {
  machines: readonly Machine[]
  space: string
}): ReactNode {
  const counts = countByHealth(machines)
  return (
    <ul className={styles.list}>
      {machineStates
        .filter(state => counts.has(state))
        .map(state => (
          <li key={state}>
            <TextLink
              to="/$space/infrastructure/machines"
              params={{ space }}
              search={{ health: state }}
              className={styles.row}
            >
              <StateMark look={healthLook(state, state === 'Disabled')} />
              <span className={styles.number}>{formatNumber(counts.get(state) ?? 0)}</span>
            </TextLink>
          </li>
        ))}
    </ul>
  )
}
