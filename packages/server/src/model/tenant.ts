import type { Named, SpaceDocument } from './document.ts'

/** One tag of a set. Its canonical name is `Tag set/Tag`. */
export interface Tag {
  readonly id: string
  readonly name: string
  readonly color: string
  readonly description: string
  readonly sortOrder: number
}

/** A family of tags that tenants are marked with. */
export interface TagSet extends SpaceDocument, Named {
  readonly description: string
  readonly sortOrder: number
  readonly tags: readonly Tag[]
}

/** A customer, branch or site that projects are deployed for. */
export interface Tenant extends SpaceDocument, Named {
  readonly description: string
  readonly isDisabled: boolean
  /** Canonical names, `Tag set/Tag`. */
  readonly tenantTags: readonly string[]
  /** Project id → ids of the environments in which the tenant takes part. */
  readonly projectEnvironments: Readonly<Record<string, readonly string[]>>
}
