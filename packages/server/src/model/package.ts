import type { Instant, Named, SpaceDocument } from './document.ts'

/** A source of packages. Every space has the built-in one. */
export interface Feed extends SpaceDocument, Named {
  readonly feedType: 'BuiltIn'
}

/** One version of a package in the built-in feed. The bytes are in a file of the package store. */
export interface Package extends SpaceDocument {
  /** E.g. `Acme.Web`; compared without regard to case. */
  readonly packageId: string
  /** As in the file's name. */
  readonly version: string
  /** With the dot: `.zip`, `.tar.gz`, `.nupkg` … */
  readonly extension: string
  readonly title: string
  readonly description: string
  readonly releaseNotes: string
  readonly published: Instant
  readonly sizeBytes: number
  /** SHA-1 of the file, lower-case hex: what Tentacles' caches are compared with. */
  readonly hash: string
  /** Path of the file below the package store's folder, with `/`. */
  readonly file: string
}
