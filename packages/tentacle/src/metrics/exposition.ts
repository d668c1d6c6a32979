/** Names and values that tell the samples of one metric apart. */
export type Labels = Readonly<Record<string, string>>

/** One measured value. */
export interface Sample {
  /** What a histogram adds to its name. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels: Labels
  readonly value: number
}

/** A metric with all of its samples. */
export interface Family {
  readonly name: string
  /** One sentence; may have any text. */
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

/** What {@link formatMetrics} writes, for `Content-Type`. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Metrics in the text format of Prometheus, version 0.0.4. A metric without samples is left out.
 *
 * @param common - put on every sample, before its own labels
 */
export function formatMetrics(families: readonly Family[], common: Labels = {}): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(family => formatFamily(family, common))
    .join('')
}

function formatFamily({ name, help, type, samples }: Family, common: Labels): string {
  const lines = samples.map(
    ({ suffix = '', labels, value }) =>
      `${name}${suffix}${formatLabels({ ...common, ...labels })} ${formatNumber(value)}\n`,
  )
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Only a line feed ends a line of the format; other control characters stand for themselves. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** A number as the format writes it, also as the bound of a bucket. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
