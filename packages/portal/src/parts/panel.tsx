import type { ReactNode } from 'react'
import { useId } from 'react'
import styles from './panel.module.css'

/** A framed part of a page with a heading that names it. */
export function Panel({
  title,
  actions,
  flush = false,
  children,
}: {
  title: string
  actions?: ReactNode
  /** Lets the content (a table) reach the frame. */
  flush?: boolean
  children: ReactNode
}): ReactNode {
  const id = useId()
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 className={styles.title} id={id}>
          {title}
        </h2>
        {actions}
      </div>
      <div className={flush ? styles.flush : styles.body}>{children}</div>
    </section>
  )
}
