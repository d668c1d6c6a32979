/** A moment, ISO 8601 in UTC with milliseconds (`2026-11-23T10:00:00.000Z`); compares as text. */
export type Instant = string

/** What every stored thing has. */
export interface Document {
  /** Kind and number, e.g. `Machines-7`; never used again after a deletion. */
  readonly id: string
  /** Counts the writes from 1 on. An update that names an older revision is refused. */
  readonly revision: number
  readonly lastModifiedOn: Instant
  /** Name of the user who wrote last; null when the server itself did. */
  readonly lastModifiedBy: string | null
}

/** A stored thing that belongs to one space. */
export interface SpaceDocument extends Document {
  readonly spaceId: string
}

/** A stored thing that people know by a name (unique in its space without regard to case). */
export interface Named {
  readonly name: string
  /** The name in lower-case letters, digits and dashes, for addresses. */
  readonly slug: string
}

/** A document before it is stored: the store gives the rest. */
export type Draft<T extends Document> = Omit<T, keyof Document>
