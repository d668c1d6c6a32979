import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError, isPassing } from '../api/api-error.ts'
import { Notice } from './notice.tsx'

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
    <Notice tone="bad" title={title}>
      <div>
        {messageOf(error)}
        {onRetry && isPassing(error) ? ' This page asks again by itself.' : ''}
      </div>
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
    </Notice>
  )
}

function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.code === 'ERR_UNREACHABLE') {
    return `${error.message} Is it running, and is the network up?`
  }
  return error instanceof Error ? error.message : String(error)
}
