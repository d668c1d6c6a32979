import type { ReactNode } from 'react'
import styles from './key-values.module.css'

/** A list of names and values. */
export function KeyValues({ children }: { children: ReactNode }): ReactNode {
  return <dl className={styles.list}>{children}</dl>
}

/** One name and its value; without a value it is a dash. */
export function KeyValue({ name, children }: { name: string; children: ReactNode }): ReactNode {
  const isEmpty = children === undefined || children === null || children === ''
  return (
    <div className={styles.pair}>
      <dt className={styles.name}>{name}</dt>
      <dd className={styles.value}>{isEmpty ? '–' : children}</dd>
    </div>
  )
}

/** Words such as roles, each in a frame. */
export function Tags({ names }: { names: readonly string[] }): ReactNode {
  if (names.length === 0) return '–'
  return (
    <span className={styles.tags}>
      {names.map(name => (
        <span className={styles.tag} key={name}>
          {name}
        </span>
      ))}
    </span>
  )
}
