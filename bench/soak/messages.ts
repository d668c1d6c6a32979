import type { Certificate } from '@tentacle/halibut'
import type { MemorySample } from './memory.ts'

/** What a process with services is told to begin with. */
export interface WorkerOrder {
  readonly seed: number
  readonly own: Certificate
  readonly clientThumbprint: string
  /** Where the client listens. */
  readonly clientPort: number
  /** The subscriptions that it polls for. */
  readonly subscriptions: readonly string[]
  /** How many services listen. */
  readonly listening: number
  readonly temporaryFolder: string
}

/** From the soak to a process with services. */
export type ToWorker =
  | { readonly kind: 'start'; readonly order: WorkerOrder }
  | { readonly kind: 'sample' }
  /** Reset all connections, and let new ones be. */
  | { readonly kind: 'heal' }
  | { readonly kind: 'stop' }

/** And back. What is sent arrives, and in this order. */
export type FromWorker =
  /** Ports of the proxies in front of the services that listen. */
  | { readonly kind: 'started'; readonly ports: readonly number[] }
  /** The numbers of calls whose methods have begun. */
  | { readonly kind: 'ran'; readonly ids: readonly number[] }
  | {
      readonly kind: 'sampled'
      readonly memory: MemorySample
      readonly connections: number
      readonly struck: number
    }
  | { readonly kind: 'healed' }
  /** Nothing more will be said. `left` names what is still open. */
  | { readonly kind: 'stopped'; readonly left: readonly string[] }
