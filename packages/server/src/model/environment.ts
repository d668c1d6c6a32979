import type { Named, SpaceDocument } from './document.ts'

/** A group of machines that a release is deployed to, e.g. Test or Production. */
export interface Environment extends SpaceDocument, Named {
  readonly description: string
  readonly sortOrder: number
  readonly useGuidedFailure: boolean
  readonly allowDynamicInfrastructure: boolean
  readonly environmentTags: readonly string[]
}
