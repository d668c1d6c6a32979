import { randomUUID } from 'node:crypto'

/** A GUID as text: 36 characters, lower case, with dashes. */
export type Guid = string

/** The GUID of .NET's `Guid.Empty`: the one that was not sent. */
export const emptyGuid: Guid = '00000000-0000-0000-0000-000000000000'

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * .NET writes the first three groups of a GUID in little-endian order and the rest as printed
 * (docs/wire/halibut.md, "Guids"). This lists, for each byte on the wire, where its two digits are in the text.
 */
const digitOffsets = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34] as const

const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** A new random GUID. */
export function newGuid(): Guid {
  return randomUUID()
}

/** Whether the text is a GUID in the one form that is used here: lower case, with dashes, without braces. */
export function isGuid(text: string): boolean {
  return pattern.test(text)
}

/** Writes a GUID in .NET byte order: 16 bytes from `offset` on. The text must be a lower-case dashed GUID. */
export function writeGuid(target: Uint8Array, offset: number, guid: Guid): void {
  for (let i = 0; i < 16; i++) {
    const at = digitOffsets[i] ?? 0
    target[offset + i] = (digitValue(guid.charCodeAt(at)) << 4) | digitValue(guid.charCodeAt(at + 1))
  }
}

/** Reads the 16 bytes of a GUID in .NET byte order. */
export function readGuid(source: Uint8Array, offset = 0): Guid {
  const hex = (index: number) => hexPairs[source[offset + index] ?? 0] ?? '00'
  return (
    `${hex(3)}${hex(2)}${hex(1)}${hex(0)}-${hex(5)}${hex(4)}-${hex(7)}${hex(6)}-${hex(8)}${hex(9)}-` +
    `${hex(10)}${hex(11)}${hex(12)}${hex(13)}${hex(14)}${hex(15)}`
  )
}

/** 0 to 15 for a character of 0-9a-f. */
function digitValue(code: number): number {
  return code < 58 ? code - 48 : code - 87
}
