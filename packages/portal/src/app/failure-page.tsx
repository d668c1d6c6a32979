import { Button, Loader } from '@mantine/core'
import { useQueryErrorResetBoundary } from '@tanstack/react-query'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useEffect } from 'react'
import { isPassing } from '../api/api-error.ts'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { TextLink } from '../parts/link.tsx'
import { Page } from '../parts/page.tsx'

/** Stands for a page that could not be loaded at all; comes back by itself with the server. */
export function FailurePage({ error, reset }: ErrorComponentProps): ReactNode {
  const router = useRouter()
  const boundary = useQueryErrorResetBoundary()
  const again = () => {
    boundary.reset()
    reset()
    void router.invalidate()
  }
  useEffect(() => {
    if (!isPassing(error)) return
    const timer = setInterval(() => void router.invalidate(), 5_000)
    return () => clearInterval(timer)
  }, [error, router])
  return (
    <Page title="This page cannot be shown">
      <ErrorPanel title="What went wrong" error={error} onRetry={again} />
      {isPassing(error) ? null : (
        <div>
          <Button variant="default" onClick={again}>
            Load again
          </Button>
        </div>
      )}
    </Page>
  )
}

/** For an address that no page has. */
export function NotFoundPage(): ReactNode {
  return (
    <Page title="There is no such page">
      <p>
        The address may be mistyped, or what it pointed to is gone.{' '}
        <TextLink to="/">Go to the dashboard</TextLink>
      </p>
    </Page>
  )
}

/** The same without the menu beside it: it brings the landmark of the content itself. */
export function BareFailurePage(problem: ErrorComponentProps): ReactNode {
  return (
    <main>
      <FailurePage {...problem} />
    </main>
  )
}

/** The same without the menu beside it. */
export function BareNotFoundPage(): ReactNode {
  return (
    <main>
      <NotFoundPage />
    </main>
  )
}

/** Shown when a page takes a moment to load. */
export function WaitPage(): ReactNode {
  return (
    <Page title="Loading …">
      <Loader aria-label="Loading" />
    </Page>
  )
}
