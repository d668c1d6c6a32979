/** The figures of one measurement. */
export type Figures = Readonly<Record<string, string | number | boolean>>

const lines: Figures[] = []

/** Prints a measurement as a line of JSON, and keeps it for the table. */
export function report(figures: Figures): void {
  lines.push(figures)
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}

export const rounded = (value: number, digits = 2) => Number(value.toFixed(digits))

/** The middle one of several measurements of the same thing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Of sorted values the one that this share of them does not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Everything that was reported, as a Markdown table with one column for each mode. */
export function printTable(): void {
  const modes = [...new Set(lines.map(({ mode }) => String(mode)))]
  const works = [...new Set(lines.map(({ work }) => String(work)))]
  const cell = (work: string, mode: string) => {
    const found = lines.find(line => line.work === work && line.mode === mode)
    return found ? String(found.summary) : ''
  }
  const rows = works.map(work => [work, ...modes.map(mode => cell(work, mode))])
  const table = [['Work', ...modes], ['---', ...modes.map(() => '---')], ...rows]
  process.stdout.write(`\n${table.map(row => `| ${row.join(' | ')} |`).join('\n')}\n`)
}

/** `--name=value` of the command line. */
export function option(name: string, fallback: number): number {
  const text = process.argv.find(argument => argument.startsWith(`--${name}=`))
  return text === undefined ? fallback : Number(text.slice(name.length + 3))
}
