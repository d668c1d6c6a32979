/** The first line of a script that says what runs it: `#!/usr/bin/env -S python3 -u`. */
export interface Shebang {
  /** What the system starts, as it is written. */
  readonly program: string
  /** All that follows the program, as one argument; undefined when nothing does. */
  readonly argument: string | undefined
  /** The program that runs the script in the end, without its folder: `python3`. */
  readonly interpreter: string
  /** How to find that: a path, or a name to be looked up on the PATH. */
  readonly place: string
}

/**
 * Reads the first line as Linux does (execve(2)): the program is the first word, and the rest of the line without the
 * blanks around it is one argument. What `env` makes of its argument is followed as far as it says which program runs
 * the script; `env` alone starts nothing.
 *
 * @returns undefined for a body that has no such line
 */
export function readShebang(body: string): Shebang | undefined {
  const line = /^\uFEFF?#![ \t]*([^\r\n]*)/.exec(body)?.[1]?.trimEnd()
  const match = /^([^ \t\0]+)(?:[ \t]+([^\0]+))?$/.exec(line ?? '')
  if (match === null) return undefined
  const [, program = '', argument] = match
  if (nameOf(program) !== 'env') return { program, argument, place: program, interpreter: nameOf(program) }
  if (argument === undefined) return undefined
  const place = startedByEnv(argument) ?? program
  return { program, argument, place, interpreter: nameOf(place) }
}

/** `env` looks its first word up that is neither an option nor a variable. Undefined where that cannot be told. */
function startedByEnv(argument: string): string | undefined {
  const text = argument.replace(/^(?:-S|--split-string=)[ \t]*/, '')
  // Without -S the whole argument is one word, which no program is called.
  const words = text === argument ? [argument] : text.split(/[ \t]+/)
  return words.find(word => word !== '' && !word.startsWith('-') && !word.includes('='))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
