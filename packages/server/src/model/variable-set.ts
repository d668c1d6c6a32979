import type { SpaceDocument } from './document.ts'
import type { SealedText } from './secret.ts'

export type VariableType =
  | 'String'
  | 'Sensitive'
  | 'Certificate'
  | 'AmazonWebServicesAccount'
  | 'AzureAccount'
  | 'GoogleCloudAccount'
  | 'WorkerPool'
  | 'UsernamePasswordAccount'
  | 'GenericOidcAccount'

/** Where a value is asked for at each deployment. */
export interface VariablePrompt {
  readonly label: string | null
  readonly description: string | null
  readonly required: boolean
}

/** The dimensions by which a value is limited. */
export type ScopeKey =
  | 'Environment'
  | 'Machine'
  | 'Role'
  | 'Action'
  | 'Channel'
  | 'TenantTag'
  | 'ProcessOwner'

/** Dimension → allowed ids (roles and tags: names). A missing dimension does not limit. */
export type VariableScope = Readonly<Partial<Record<ScopeKey, readonly string[]>>>

/** One value of a variable; the same name may have several with different scopes. */
export interface Variable {
  readonly id: string
  readonly name: string
  /** Sealed exactly when the type is `Sensitive`. */
  readonly value: string | SealedText | null
  readonly description: string
  readonly type: VariableType
  readonly isEditable: boolean
  readonly prompt: VariablePrompt | null
  readonly scope: VariableScope
}

/** The variables of a project. The revision is what clients see as the version. */
export interface VariableSet extends SpaceDocument {
  readonly ownerId: string
  /** True for the copy that a release keeps: never changed. */
  readonly isFrozen: boolean
  readonly variables: readonly Variable[]
}
