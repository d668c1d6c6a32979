import type { Named, SpaceDocument } from './document.ts'
import type { SealedText } from './secret.ts'

/** An HTTP proxy on the way to listening Tentacles. */
export interface HttpProxy extends SpaceDocument, Named {
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: SealedText | null
}
