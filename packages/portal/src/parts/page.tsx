import type { ReactNode } from 'react'
import { useEffect } from 'react'
import styles from './page.module.css'

/** The frame of a page's content: its title (also in the browser's tab), what it is about, and its main actions. */
export function Page({
  title,
  lead,
  actions,
  wide = false,
  children,
}: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  /** For pages that use all of the window, such as a log. */
  wide?: boolean
  children: ReactNode
}): ReactNode {
  useEffect(() => {
    document.title = `${title} · Tentacle`
  }, [title])
  return (
    <div className={styles.page} data-wide={wide}>
      <header className={styles.head}>
        <div className={styles.words}>
          <h1 className={styles.title}>{title}</h1>
          {lead ? <div className={styles.lead}>{lead}</div> : null}
        </div>
        {actions ? <div className={styles.actions}>{actions}</div> : null}
      </header>
      {children}
    </div>
  )
}
