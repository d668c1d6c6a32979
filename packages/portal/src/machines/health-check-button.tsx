import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Machine } from '../api/machines.ts'
import { createTask, healthCheck } from '../api/tasks.ts'
import { useApi } from '../app/api-context.ts'
import { Icon } from '../parts/icons.tsx'
import { TextLink } from '../parts/link.tsx'
import styles from './health-check-button.module.css'

/** Starts a health check of the targets given and links to its task. Targets that are switched off are left out. */
export function HealthCheckButton({
  space,
  machines,
  label,
}: {
  space: string
  machines: readonly Machine[]
  label: string
}): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const enabled = machines.filter(machine => !machine.isDisabled)
  const check = useMutation({
    mutationFn: () => createTask(api, healthCheck(space, enabled)),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['tasks'] }),
  })
  return (
    <div className={styles.place}>
      <span role="status" className={styles.note} data-failed={check.isError}>
        {check.data ? (
          <>
            Started:{' '}
            <TextLink to="/$space/tasks/$task" params={{ space, task: check.data.id }}>
              {check.data.description}
            </TextLink>
          </>
        ) : null}
        {check.isError ? check.error.message : null}
      </span>
      <Button
        variant="default"
        leftSection={<Icon name="health" />}
        disabled={enabled.length === 0}
        loading={check.isPending}
        onClick={() => check.mutate()}
      >
        {label}
      </Button>
    </div>
  )
}
