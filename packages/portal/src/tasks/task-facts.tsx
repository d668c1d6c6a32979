import type { ReactNode } from 'react'
import type { Task } from '../api/tasks.ts'
import { Age } from '../parts/age.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { useNow } from '../parts/use-now.ts'
import { formatMoment } from '../text/moment.ts'
import { taskLook } from '../text/states.ts'
import styles from './task-facts.module.css'
import { taskKind } from './task-kind.ts'
import { taskDuration } from './task-time.ts'

/** The line under a task's title. The state is read out when it changes. */
export function TaskFacts({ task }: { task: Task }): ReactNode {
  const isGoing = task.started !== undefined && !task.isCompleted
  const now = useNow(isGoing ? 1_000 : undefined)
  const duration = taskDuration(task, now)
  return (
    <div className={styles.facts}>
      <span role="status">
        <StateMark look={taskLook(task.state, task.hasWarnings)} size="large" />
      </span>
      <span>{taskKind(task.name)}</span>
      <span>{task.id}</span>
      {task.started === undefined ? (
        <span>
          Queued <Age moment={task.queued} />
        </span>
      ) : (
        <span>Started {formatMoment(task.started)}</span>
      )}
      {duration ? (
        <span className={styles.duration}>
          {isGoing ? 'Running for' : 'Took'} {duration}
        </span>
      ) : null}
    </div>
  )
}
