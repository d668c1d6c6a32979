import type { Document, Instant } from './document.ts'

/** The built-in sets of permissions: everything, or seeing everything. */
export type RoleName = 'Administrator' | 'Viewer'

/** Somebody, or some program, that signs in. */
export interface User extends Document {
  /** Unique without regard to case. */
  readonly username: string
  readonly displayName: string
  readonly emailAddress: string
  readonly isActive: boolean
  /** Service users have no password and sign in with API keys only. */
  readonly isService: boolean
  /** scrypt, with its parameters and salt in the text; null when there is no password. */
  readonly passwordHash: string | null
  readonly roles: readonly RoleName[]
  readonly created: Instant
}

/** A key that a program sends instead of signing in. Only its hash is kept. */
export interface ApiKey extends Document {
  readonly userId: string
  readonly purpose: string
  /** SHA-256 of the key, hex. Keys are long and random, so a plain hash is enough. */
  readonly hash: string
  /** The first characters, so that its owner can tell it from others. */
  readonly hint: string
  readonly created: Instant
  /** Null: it does not expire. */
  readonly expires: Instant | null
}

/** One sign-in of a browser or of a client that uses a password, or one access token. */
export interface Session extends Document {
  readonly kind: 'browser' | 'token'
  readonly userId: string
  /** SHA-256 of the cookie's value or of the token, hex. */
  readonly hash: string
  /** What a request that changes something must send in its header besides the cookie. */
  readonly csrfToken: string
  readonly created: Instant
  readonly expires: Instant
}
