import { type Static, Type } from 'typebox'
import type { SealedText, SecretVault } from '../model/secret.ts'
import { Maybe, Nullable } from '../web/schema.ts'

/** A secret in an answer: never more than whether there is one. */
export const SensitiveResource = Type.Object({
  HasValue: Type.Boolean(),
  NewValue: Type.Null(),
  Hint: Nullable(Type.String()),
})

/** A secret in a request: a new text, or nothing to keep the one that is stored. */
export const SensitiveInput = Maybe(
  Type.Object({ HasValue: Maybe(Type.Boolean()), NewValue: Maybe(Type.String()) }),
)

/** Shows whether there is a secret. */
export function toSensitive(
  secret: SealedText | null,
  hint: string | null = null,
): Static<typeof SensitiveResource> {
  return { HasValue: secret !== null, NewValue: null, Hint: hint }
}

/** The secret after a request: a new one is sealed, `HasValue: false` removes it, anything else keeps it. */
export function readSensitive(
  input: Static<typeof SensitiveInput> | undefined,
  before: SealedText | null,
  vault: SecretVault,
): SealedText | null {
  if (input?.NewValue) return vault.seal(input.NewValue)
  return input?.HasValue === false ? null : before
}
