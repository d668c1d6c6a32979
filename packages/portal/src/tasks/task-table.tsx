import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Task } from '../api/tasks.ts'
import { Age } from '../parts/age.tsx'
import { TextLink } from '../parts/link.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { useNow } from '../parts/use-now.ts'
import { taskLook } from '../text/states.ts'
import { taskKind } from './task-kind.ts'
import styles from './task-table.module.css'
import { taskDuration } from './task-time.ts'

/** Tasks, newest first, each with a link to its page. */
export function TaskTable({
  tasks,
  space,
  label,
}: {
  tasks: readonly Task[]
  space: string
  label: string
}): ReactNode {
  const isRunning = tasks.some(task => task.started !== undefined && !task.isCompleted)
  const now = useNow(isRunning ? 1_000 : undefined)
  return (
    <Table className={styles.table ?? ''} aria-label={label} highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>State</Table.Th>
          <Table.Th>Task</Table.Th>
          <Table.Th data-part="kind">Kind</Table.Th>
          <Table.Th data-part="queued">Queued</Table.Th>
          <Table.Th data-part="duration">Duration</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tasks.map(task => (
          <Table.Tr key={task.id}>
            <Table.Td data-part="state">
              <StateMark look={taskLook(task.state, task.hasWarnings)} />
            </Table.Td>
            <Table.Td data-part="task">
              <TextLink to="/$space/tasks/$task" params={{ space, task: task.id }}>
                {task.description}
              </TextLink>
              {task.errorMessage ? <div className={styles.error}>{task.errorMessage}</div> : null}
            </Table.Td>
            <Table.Td data-part="kind">{taskKind(task.name)}</Table.Td>
            <Table.Td data-part="queued">
              <Age moment={task.queued} />
            </Table.Td>
            <Table.Td data-part="duration">{taskDuration(task, now) ?? '–'}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
