import type { ReactNode } from 'react'
import styles from './empty-state.module.css'
import { type Glyph, Icon } from './icons.tsx'

/** Stands where a list would be: says what is missing and what to do next. */
export function EmptyState({
  icon,
  title,
  children,
  action,
}: {
  icon: Glyph
  title: string
  children?: ReactNode
  action?: ReactNode
}): ReactNode {
  return (
    <div className={styles.empty}>
      <span className={styles.icon}>
        <Icon name={icon} size={28} />
      </span>
      <p className={styles.title}>{title}</p>
      {children ? <div className={styles.text}>{children}</div> : null}
      {action ? <div className={styles.action}>{action}</div> : null}
    </div>
  )
}
