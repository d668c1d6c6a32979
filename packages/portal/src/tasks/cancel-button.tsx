import { Button, Group, Modal, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { cancelTask, type Task } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { ErrorPanel } from '../parts/error-panel.tsx'

/** Ends a task, after a question: scripts are killed in the middle of what they do. */
export function CancelButton({ task }: { task: Task }): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const cancel = useMutation({
    mutationFn: () => cancelTask(api, task.id),
    onSuccess() {
      setAsking(false)
      return cache.invalidateQueries({ queryKey: ['tasks'] })
    },
  })
  return (
    <>
      <Button
        color="red"
        variant="light"
        disabled={task.state === 'Cancelling'}
        onClick={() => setAsking(true)}
      >
        {task.state === 'Cancelling' ? 'Cancelling …' : 'Cancel'}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title="Cancel this task?"
        lockScroll={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Text size="sm">
          “{task.description}” is ended where it is. Scripts that are running on targets are killed; what they
          have changed until now stays.
        </Text>
        {cancel.isError ? <ErrorPanel title="The task was not cancelled" error={cancel.error} /> : null}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={() => setAsking(false)}>
            Let it run
          </Button>
          <Button color="red" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            Cancel the task
          </Button>
        </Group>
      </Modal>
    </>
  )
}
