import type { ReactNode } from 'react'
import type { StateLook } from '../text/states.ts'
import { SignIcon } from './icons.tsx'
import styles from './state-mark.module.css'

/** A state told three times: by its sign, its word and its colour. */
export function StateMark({
  look,
  size = 'normal',
}: {
  look: StateLook
  size?: 'normal' | 'large'
}): ReactNode {
  return (
    <span className={styles.mark} data-tone={look.tone} data-size={size}>
      <SignIcon sign={look.sign} size={size === 'large' ? 20 : 16} />
      <span>{look.label}</span>
    </span>
  )
}

/** The same where there is no room for the word: it is still there for screen readers and as a tooltip. */
export function StateSign({ look }: { look: StateLook }): ReactNode {
  return (
    <span className={styles.mark} data-tone={look.tone} role="img" aria-label={look.label} title={look.label}>
      <SignIcon sign={look.sign} />
    </span>
  )
}
