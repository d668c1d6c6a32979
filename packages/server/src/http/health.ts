import { sql } from 'kysely'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { App } from '../web/app-types.ts'

/** `/health/live` and `/health/ready`, for whatever watches over the process. */
export function healthRoutes(
  app: App,
  { store, isStopping }: { readonly store: Store; isStopping(): boolean },
): void {
  app.get('/health/live', async () => ({ status: 'live' }))

  app.get('/health/ready', async () => {
    if (isStopping()) throw new ServerError('ERR_UNAVAILABLE', 'The server is stopping.')
    try {
      await sql`select 1`.execute(store.db)
    } catch (error) {
      throw new ServerError('ERR_UNAVAILABLE', 'The database does not answer.', { cause: error })
    }
    return { status: 'ready' }
  })
}
