import type { CSSProperties, ReactNode } from 'react'
import { memo } from 'react'
import { Icon } from '../parts/icons.tsx'
import { StateSign } from '../parts/state-mark.tsx'
import { useNow } from '../parts/use-now.ts'
import { count } from '../text/count.ts'
import { formatDuration } from '../text/duration.ts'
import { formatMoment, formatTime } from '../text/moment.ts'
import { activityLook } from '../text/states.ts'
import { type Span, toSpans } from './ansi.ts'
import { columnsPerLevel, type Row } from './log-layout.ts'
import styles from './log-row.module.css'
import type { Activity, LogLine } from './log-tree.ts'

/** One row of the log, put to its height on the page. */
export function LogRow({
  row,
  isOpen,
  isWrapped,
  onToggle,
}: {
  row: Row
  isOpen: boolean
  isWrapped: boolean
  onToggle: (activity: Activity) => void
}): ReactNode {
  const { activity, depth } = row.block
  const style: CSSProperties = { transform: `translateY(${row.top}px)`, height: row.height }
  if (row.kind === 'head') {
    return (
      <div className={styles.head} style={style}>
        <Head activity={activity} depth={depth} isOpen={isOpen} onToggle={onToggle} />
      </div>
    )
  }
  if (row.kind === 'gap') {
    return (
      <div className={styles.gap} style={{ ...style, paddingLeft: `${14 + depth * columnsPerLevel}ch` }}>
        {count(activity.dropped, 'earlier line')} not kept on this page. The raw log has them.
      </div>
    )
  }
  return (
    <div
      className={styles.line}
      style={style}
      data-level={levelOf(row.line.category)}
      data-wrapped={isWrapped}
    >
      <Line line={row.line} depth={depth} />
    </div>
  )
}

function Head({
  activity,
  depth,
  isOpen,
  onToggle,
}: {
  activity: Activity
  depth: number
  isOpen: boolean
  onToggle: (activity: Activity) => void
}): ReactNode {
  const isRunning = activity.status === 'Running'
  const now = useNow(isRunning ? 1_000 : undefined)
  const end = activity.ended ?? (isRunning ? now : undefined)
  return (
    <button
      type="button"
      className={styles.toggle}
      style={{ paddingLeft: `calc(10px + ${depth * columnsPerLevel}ch)` }}
      aria-expanded={isOpen}
      onClick={() => onToggle(activity)}
    >
      <span className={styles.chevron} data-open={isOpen}>
        <Icon name="chevron" size={12} />
      </span>
      <StateSign look={activityLook(activity.status)} />
      <span className={styles.name}>{activity.name}</span>
      {activity.errors > 0 ? <span className={styles.errors}>{count(activity.errors, 'error')}</span> : null}
      {activity.warnings > 0 ? (
        <span className={styles.warnings}>{count(activity.warnings, 'warning')}</span>
      ) : null}
      {isRunning && activity.progress > 0 ? <span className={styles.fact}>{activity.progress} %</span> : null}
      {isRunning && activity.progressMessage ? (
        <span className={styles.message}>{activity.progressMessage}</span>
      ) : null}
      {activity.started !== undefined && end !== undefined ? (
        <span className={styles.fact}>{formatDuration(end - activity.started)}</span>
      ) : null}
    </button>
  )
}

type Level = 'error' | 'warning' | 'highlight' | 'wait' | 'verbose' | 'info'

const levels: Readonly<Record<string, Level>> = {
  Fatal: 'error',
  Error: 'error',
  Warning: 'warning',
  Alert: 'warning',
  Highlight: 'highlight',
  Wait: 'wait',
  Gap: 'wait',
  Verbose: 'verbose',
  Trace: 'verbose',
}

/** A level is told by a sign of its own too, for those who do not see the colour. */
const levelSigns: Record<Level, string> = {
  error: '×',
  warning: '!',
  highlight: '›',
  wait: '…',
  verbose: '·',
  info: '',
}

function levelOf(category: string): Level {
  return levels[category] ?? 'info'
}

const Line = memo(function Line({ line, depth }: { line: LogLine; depth: number }): ReactNode {
  const level = levelOf(line.category)
  return (
    <>
      <span className={styles.time} title={line.at === undefined ? undefined : formatMoment(line.at)}>
        {line.at === undefined ? '' : formatTime(line.at)}
      </span>
      <span
        className={styles.sign}
        {...(level === 'info' ? {} : { role: 'img', 'aria-label': line.category, title: line.category })}
      >
        {levelSigns[level]}
      </span>
      <span className={styles.text} style={{ paddingLeft: `${depth * columnsPerLevel}ch` }}>
        {toSpans(line.text).map((span, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never move
          <Piece key={at} span={span} />
        ))}
      </span>
    </>
  )
})

function Piece({ span }: { span: Span }): ReactNode {
  const { text, color, background, exactColor, exactBackground, ...looks } = span
  const classes = Object.entries(looks)
    .filter(([, on]) => on)
    .map(([name]) => styles[name])
  if (!color && !background && !exactColor && !exactBackground && classes.length === 0) return text
  return (
    <span
      className={classes.join(' ')}
      data-color={color}
      data-background={background}
      style={{
        ...(exactColor ? { color: `rgb(${exactColor})` } : {}),
        ...(exactBackground ? { backgroundColor: `rgb(${exactBackground})` } : {}),
      }}
    >
      {text}
    </span>
  )
}
