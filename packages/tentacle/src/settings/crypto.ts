/**
 * Node's cryptography, loaded when it is used for the first time: that takes longer than most commands, and those that only
 * read settings need none.
 */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}
