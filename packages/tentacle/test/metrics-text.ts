import assert from 'node:assert/strict'

/** One line with a value. */
export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What a text says, as a monitoring program would take it. */
export class ReadMetrics {
  readonly types: ReadonlyMap<string, string>
  readonly helps: ReadonlyMap<string, string>
  readonly samples: readonly ReadSample[]

  constructor(types: Map<string, string>, helps: Map<string, string>, samples: readonly ReadSample[]) {
    this.types = types
    this.helps = helps
    this.samples = samples
  }

  /** The value of the only sample with this name and, among others, these labels. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const found = this.samples.filter(
      sample =>
        sample.name === name &&
        Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
    )
    const [only] = found
    assert.ok(
      only !== undefined && found.length === 1,
      `${found.length} samples of ${name} ${JSON.stringify(labels)}`,
    )
    return only.value
  }
}

/**
 * Reads the text format of Prometheus and refuses what a strict reader would: metrics in pieces, samples without type,
 * names and labels out of form, the same sample twice, histograms that do not add up.
 */
export function readMetrics(text: string): ReadMetrics {
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is not ended')
  const [types, helps] = [new Map<string, string>(), new Map<string, string>()]
  const samples: ReadSample[] = []
  const seen = new Set<string>()
  let current = ''
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind, name = '', rest = ''] =
      /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/su.exec(line) ?? []
    if (kind === 'HELP') {
      assert.ok(!helps.has(name), `${name} comes twice`)
      helps.set(name, unescaped(rest, { '\\': '\\', n: '\n' }))
      current = name
    } else if (kind === 'TYPE') {
      assert.equal(name, current, 'the type follows the help')
      assert.match(rest, /^(counter|gauge|histogram)$/)
      types.set(name, rest)
    } else {
      const sample = readSample(line)
      const isPart = types.get(current) === 'histogram' && /_(bucket|sum|count)$/.test(sample.name)
      assert.equal(isPart ? sample.name.replace(/_[a-z]+$/, '') : sample.name, current, line)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      assert.ok(!seen.has(key), `twice: ${line}`)
      seen.add(key)
      samples.push(sample)
    }
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples)
  return new ReadMetrics(types, helps, samples)
}

function readSample(line: string): ReadSample {
  const [, name, inside = '', number] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?\d+)?)$/su.exec(line) ?? []
  assert.ok(name !== undefined && number !== undefined, `no sample: ${line}`)
  const labels: Record<string, string> = {}
  let rest = inside
  while (rest !== '') {
    const [all, key, value] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,(?=.)|$)/su.exec(rest) ?? []
    assert.ok(all !== undefined && key !== undefined && value !== undefined, `no labels: ${rest}`)
    assert.ok(!Object.hasOwn(labels, key), `${key} comes twice: ${line}`)
    labels[key] = unescaped(value, { '\\': '\\', n: '\n', '"': '"' })
    rest = rest.slice(all.length)
  }
  const infinities: Readonly<Record<string, number>> = {
    '+Inf': Number.POSITIVE_INFINITY,
    '-Inf': Number.NEGATIVE_INFINITY,
  }
  return { name, labels, value: infinities[number] ?? Number(number) }
}

function unescaped(text: string, meanings: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\\(.)/gsu, (whole, character: string) => {
    const meaning = meanings[character]
    assert.ok(meaning !== undefined, `no escape: ${whole}`)
    return meaning
  })
}

/** The buckets of each series grow up to the one without bound, which has all. */
function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const series = new Map<string, ReadSample[]>()
  for (const sample of samples.filter(one => one.name === `${name}_bucket`)) {
    const key = JSON.stringify({ ...sample.labels, le: '' })
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const buckets of series.values()) {
    const bounds = buckets.map(({ labels }) => Number(labels.le?.replace('+Inf', 'Infinity')))
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    )
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY)
    const values = buckets.map(({ value }) => value)
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    )
    const { le: _, ...labels } = buckets[0]?.labels ?? {}
    const counts = samples.filter(
      one => one.name === `${name}_count` && JSON.stringify(one.labels) === JSON.stringify(labels),
    )
    assert.deepEqual(
      counts.map(({ value }) => value),
      [values.at(-1)],
    )
  }
}
