import { MantineProvider } from '@mantine/core'
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { ApiClient } from '../api/client.ts'
import { ApiContext } from './api-context.ts'
import { theme } from './theme.ts'

/**
 * What every component may count on. Style sheets are complete at build time (`withCssVariables` and
 * `withGlobalClasses` are off), so that the content security policy needs no exception for styles.
 */
export function Providers({
  api,
  cache,
  children,
}: {
  api: ApiClient
  cache: QueryClient
  children: ReactNode
}): ReactNode {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <ApiContext value={api}>
        <QueryClientProvider client={cache}>{children}</QueryClientProvider>
      </ApiContext>
    </MantineProvider>
  )
}
