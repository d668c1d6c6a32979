import type { ReactNode } from 'react'
import { SignIcon } from './icons.tsx'
import styles from './notice.module.css'

const signs = { bad: 'warning', warn: 'warning', good: 'tick' } as const

/** Something that the reader should know now. Bad news interrupt a screen reader, other news wait for a pause. */
export function Notice({
  tone,
  title,
  children,
}: {
  tone: keyof typeof signs
  title?: string
  children: ReactNode
}): ReactNode {
  return (
    <div className={styles.notice} data-tone={tone} role={tone === 'bad' ? 'alert' : 'status'}>
      <span className={styles.sign}>
        <SignIcon sign={signs[tone]} size={18} />
      </span>
      <div className={styles.words}>
        {title ? <div className={styles.title}>{title}</div> : null}
        {children}
      </div>
    </div>
  )
}
