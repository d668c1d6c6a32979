import { type Context, createContext, runInContext } from 'node:vm'

/**
 * How long one regular expression may take, in milliseconds. Patterns come from whoever may edit a variable, and some
 * patterns take years on some texts; a service that evaluates templates must not stand still meanwhile.
 */
const timeLimitMs = 1000

let context: Context | undefined

/** Whether the pattern matches somewhere; `undefined` when it is no pattern or takes too long. */
export function matchRegex(text: string, pattern: string): boolean | undefined {
  const found = run('new RegExp(pattern, flags).test(text)', { text, pattern })
  return typeof found === 'boolean' ? found : undefined
}

/** Replaces every match. `$1`, `${1}` and `${name}` stand for groups, `$0` and `$&` for the match, `$$` for `$`. */
export function replaceRegex(text: string, pattern: string, replacement: string): string | undefined {
  const found = run('text.replace(new RegExp(pattern, "g" + flags), replacement)', {
    text,
    pattern,
    replacement: toScriptReplacement(replacement),
  })
  return typeof found === 'string' ? found : undefined
}

function toScriptReplacement(replacement: string): string {
  return replacement.replace(/\$(?:\$|\{(\w+)\}|0(?!\d)|&)/g, (whole, group: string | undefined) => {
    if (whole === '$$') return '$$'
    if (group === undefined || group === '0') return '$&'
    return /^\d+$/.test(group) ? `$${group}` : `$<${group}>`
  })
}

function run(code: string, values: Readonly<Record<string, string>>): unknown {
  context ??= createContext(Object.create(null))
  // Inline options at the very start, such as (?i), are flags here.
  const inline = /^\(\?([ims]+)\)/.exec(values.pattern ?? '')
  const pattern = (values.pattern ?? '').slice(inline?.[0].length ?? 0)
  const flags = [...new Set(inline?.[1] ?? '')].join('')
  Object.assign(context, values, { pattern, flags })
  try {
    return runInContext(code, context, { timeout: timeLimitMs })
  } catch {
    return undefined // A pattern that is none, or one that took too long: the filter cannot work on this.
  } finally {
    Object.assign(context, { text: '', pattern: '', replacement: '' })
  }
}
