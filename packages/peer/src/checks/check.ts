import type { Remote } from '../client/remote.ts'

/** One thing that every peer must do. */
export interface Check {
  readonly test: string
  /** Throws when the peer does something else. */
  run(remote: Remote): Promise<void>
}
