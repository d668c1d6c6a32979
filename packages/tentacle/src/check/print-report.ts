import type { Finding, FindingStatus } from './finding.ts'

/** Text starts here, and no line is longer than `lineWidth` unless a single word is. */
const textColumn = 25
const lineWidth = 80

const words: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  skipped: '-',
}

/** A finding with the title of its section. */
export interface TitledFinding extends Finding {
  readonly section: string
}

/** One section as text: what was found, and below it what to do. */
export function printSection(title: string, findings: readonly Finding[]): string {
  return [title, ...findings.flatMap(printFinding), ''].map(line => `${line}\n`).join('')
}

function printFinding({ id, status, detail, next }: Finding): readonly string[] {
  const head = `  ${words[status].padEnd(8)}${id} `.padEnd(textColumn)
  const [first = '', ...more] = wrap(detail)
  const indent = ' '.repeat(textColumn)
  const hint = next === undefined ? [] : wrap(`> ${next}`)
  return [head + first, ...[...more, ...hint].map(line => indent + line)]
}

function wrap(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && textColumn + line.length + 1 + word.length > lineWidth) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** All findings for programs. */
export function printJson(findings: readonly TitledFinding[]): string {
  const Checks = findings.map(({ section, id, status, tried, detail, next }) => ({
    Section: section,
    Id: id,
    Status: status,
    Tried: tried,
    Detail: detail,
    Next: next ?? null,
  }))
  return JSON.stringify({ Healthy: isHealthy(findings), Checks }, null, 2)
}

/** Warnings and skipped checks are no illness. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== 'failed')
}

/** The last words: what failed, and where to start. The first failure is the nearest to this machine. */
export function summarize(findings: readonly TitledFinding[]): string {
  const failed = findings.filter(({ status }) => status === 'failed')
  const warnings = findings.filter(({ status }) => status === 'warning').length
  const [first] = failed
  if (first === undefined) {
    const tried = findings.filter(({ status }) => status !== 'skipped').length
    const besides = warnings === 0 ? '' : `, ${warnings === 1 ? 'one' : warnings} with a warning`
    return `Nothing failed: ${tried} checks passed${besides}.`
  }
  const count = failed.length === 1 ? '1 check failed' : `${failed.length} checks failed`
  const ids = [...new Set(failed.map(({ id }) => id))].join(', ')
  return `${count}: ${ids}; start with ${first.id} (${first.section}).`
}
