import type { Named, SpaceDocument } from './document.ts'

/** A group of workers that a step can ask for. */
export interface WorkerPool extends SpaceDocument, Named {
  readonly description: string
  readonly isDefault: boolean
  readonly sortOrder: number
}
