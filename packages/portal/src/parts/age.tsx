import type { ReactNode } from 'react'
import { formatAge, formatMoment } from '../text/moment.ts'
import { useNow } from './use-now.ts'

/** How long ago something was; the exact moment is the tooltip. */
export function Age({ moment, never = '–' }: { moment: number | undefined; never?: string }): ReactNode {
  const now = useNow(15_000)
  if (moment === undefined) return <span>{never}</span>
  return (
    <time dateTime={new Date(moment).toISOString()} title={formatMoment(moment)}>
      {formatAge(moment, Math.max(now, moment))}
    </time>
  )
}
