import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError, isPassing } from '../api/api-error.ts'

/**
 * The answers that pages share. Answers are kept true by live events, so they need no polling; what failed for a
 * passing reason is asked again. `onSignedOut` is called when any answer says that the session has ended.
 */
export function createCache(onSignedOut: () => void): QueryClient {
  const onError = (error: Error): void => {
    if (error instanceof ApiError && error.code === 'ERR_SIGNED_OUT') onSignedOut()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => isPassing(error) && failures < 2,
        retryDelay: attempt => 500 * 2 ** attempt,
        // A page that could not be filled keeps trying, so that it comes back with the server.
        refetchInterval: query => (isPassing(query.state.error) ? 5_000 : false),
      },
      mutations: { retry: false },
    },
  })
}
