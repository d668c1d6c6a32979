import { isSameType, parseTypeName } from '../contract/type-name.ts'
import type { BsonDocument } from '../frame/bson-value.ts'

/** Whether a message is of a type: it may leave the type out, but not name another one. */
export function hasMessageType(message: BsonDocument, type: string): boolean {
  const text = message.typeText
  return text === undefined || text === type || isSameType(parseTypeName(text), parseTypeName(type))
}
