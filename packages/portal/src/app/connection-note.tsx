import type { ReactNode } from 'react'
import { useEffect, useState } from 'react'
import type { StreamState } from '../live/event-stream.ts'
import { SignIcon } from '../parts/icons.tsx'
import styles from './connection-note.module.css'

/** Breaks shorter than this are nobody's concern. */
const patienceMs = 1_500

/** Says when what is on the screen may be out of date. */
export function ConnectionNote({ state }: { state: StreamState }): ReactNode {
  const [isLong, setLong] = useState(false)
  const isBroken = state === 'waiting' || state === 'connecting'
  useEffect(() => {
    if (!isBroken) return setLong(false)
    const timer = setTimeout(() => setLong(true), patienceMs)
    return () => clearTimeout(timer)
  }, [isBroken])
  return (
    <div role="status" className={styles.place}>
      {isLong && isBroken ? (
        <div className={styles.note}>
          <SignIcon sign="unplugged" />
          <span>The server does not answer. What you see may be out of date; trying again …</span>
        </div>
      ) : null}
    </div>
  )
}
