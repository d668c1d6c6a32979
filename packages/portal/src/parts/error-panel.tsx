import { Alert, Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError, isPassing } from '../api/api-error.ts'
import { SignIcon } from './icons.tsx'

/** What a failed request says to the reader: the server's own words, and a way on. */
export function ErrorPanel({
  error,
  title,
  onRetry,
}: {
  error: unknown
  title: string
  onRetry?: (() => void) | undefined
}): ReactNode {
  const problems = error instanceof ApiError ? error.problems : []
  return (
    <Alert
      color="red"
      variant="light"
      title={title}
      icon={<SignIcon sign="warning" size={18} />}
      role="alert"
    >
      <div>{messageOf(error)}</div>
      {problems.length > 0 ? (
        <ul>
          {problems.map(problem => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      ) : null}
      {onRetry && isPassing(error) ? (
        <Button size="xs" variant="default" mt="sm" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </Alert>
  )
}

function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.code === 'ERR_UNREACHABLE') {
    return `${error.message} Is it running, and is the network up? This page asks again by itself.`
  }
  return error instanceof Error ? error.message : String(error)
}
