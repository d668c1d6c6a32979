import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findGaps } from './check-docs.mjs'

const messages = (text, ...withMembers) =>
  findGaps(text, new Set(withMembers)).map(({ line, message }) => `${line}: ${message}`)

test('an exported declaration without a doc comment directly before it is found, whatever its kind', () => {
  const text = `
/** Far away. */

export const one = 1
// A plain comment.
export function two() {}
/** The third of them, with a comment. */
export class Three {}
export interface Four<T> {}
export type Five = string
export async function six() {}
const hidden = 1
export { hidden } from './hidden.ts'
`
  const names = messages(text).map(message => /'(\w+)'/.exec(message)?.[1])
  assert.deepEqual(names, ['one', 'two', 'Four', 'Five', 'six'])
})

test('members count where the index offers their type, also those of inner object types and generic ones', () => {
  const text = `/** How things are done here. */
export interface Options<
  T extends string,
> {
  readonly plain: T
  /** Said with a reason. */
  readonly good?: string
  open(at: {
    readonly port: number
  }): void
}
/** Something with a state. */
export class Thing {
  readonly #hidden = 1
  private constructor() {}
  readonly seen: number
  run(): void {
    const count: number = 1
  }
}
`
  assert.deepEqual(messages(text), [])
  assert.deepEqual(
    messages(text, 'Options', 'Thing').map(message => message.split(' has')[0]),
    ["5: 'Options.plain'", "8: 'Options.open'", "9: 'Options.port'", "16: 'Thing.seen'", "17: 'Thing.run'"],
  )
})

test('a comment that only repeats the name is none', () => {
  assert.deepEqual(messages('/** The user name. */\nexport const userName = 1\n'), [
    "2: the doc comment of 'userName' says nothing that its name does not",
  ])
  assert.deepEqual(messages('/** The user name, without the domain. */\nexport const userName = 1\n'), [])
})
