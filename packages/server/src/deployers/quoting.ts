/** A text as one word of a bash command, whatever is in it. */
export function quoteBash(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** A text as one word of a PowerShell command, whatever is in it. */
export function quotePowerShell(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
