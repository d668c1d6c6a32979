import { type EvaluateOptions, evaluate, Variables } from '@tentacle/octostache'

/** A variable as it is given to a script or deployment on one machine: chosen, but not evaluated. */
export interface RuntimeVariable {
  readonly name: string
  readonly value: string
  readonly isSensitive: boolean
}

/** Makes a variable that may be shown. */
export function plainVariable(name: string, value: string): RuntimeVariable {
  return { name, value, isSensitive: false }
}

/** Plain variables of an object's members; those that are undefined or null are left out. */
export function plainVariables(
  values: Readonly<Record<string, string | null | undefined>>,
): RuntimeVariable[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [plainVariable(name, value)],
  )
}

/** Joins lists; of variables with the same name (without regard to case) the last one stays, at its first place. */
export function mergeVariables(
  ...lists: readonly (readonly RuntimeVariable[])[]
): readonly RuntimeVariable[] {
  const byName = new Map<string, RuntimeVariable>()
  for (const variable of lists.flat()) byName.set(variable.name.toLowerCase(), variable)
  return [...byName.values()]
}

/** The variables in the form in which templates are evaluated with them. */
export function toTemplateVariables(list: readonly RuntimeVariable[]): Variables {
  return new Variables(list.map(({ name, value }) => [name, value] as const))
}

/** The evaluated value of a variable, or undefined when there is none. Throws what octostache throws. */
export function variableValue(
  list: readonly RuntimeVariable[],
  name: string,
  options?: EvaluateOptions,
): string | undefined {
  const wanted = name.toLowerCase()
  const found = list.find(variable => variable.name.toLowerCase() === wanted)
  return found && evaluate(found.value, toTemplateVariables(list), options).text
}

/** True when the variable's value is `True` in any case. */
export function isSwitchedOn(list: readonly RuntimeVariable[], name: string): boolean {
  return variableValue(list, name)?.trim().toLowerCase() === 'true'
}
