import { type Family, formatNumber, type Labels, type Sample } from './exposition.ts'

/** What one metric is called, and what it says. */
export interface Description {
  /** With its unit, and `_total` at the end if it only ever grows. */
  readonly name: string
  readonly help: string
}

type LabelsOf<L extends string> = Readonly<Record<L, string>>

/** Counts upwards, for each combination of labels. Whoever counts makes sure that there are few of those. */
export class Counter<L extends string = never> {
  readonly #description: Description
  readonly #counts = new Map<string, { readonly labels: Labels; value: number }>()

  /** @param zeros - combinations that are shown from the start: a rate can only be taken of what was there before */
  constructor(description: Description, zeros: readonly LabelsOf<L>[] = []) {
    this.#description = description
    for (const labels of zeros) this.add(labels, 0)
  }

  add(labels: LabelsOf<L>, amount = 1): void {
    const key = keyOf(labels)
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { labels, value: amount })
    else known.value += amount
  }

  family(): Family {
    return { ...this.#description, type: 'counter', samples: [...this.#counts.values()] }
  }
}

interface Distribution {
  readonly labels: Labels
  /** How many values are in each bucket and in none below it; the last one has no bound. */
  readonly counts: number[]
  sum: number
}

/** Counts values by size, for each combination of labels. */
export class Histogram<L extends string = never> {
  readonly #description: Description
  readonly #bounds: readonly number[]
  readonly #distributions = new Map<string, Distribution>()

  /** @param bounds - the upper ends of the buckets, ascending; values above the last one are counted too */
  constructor(description: Description, bounds: readonly number[]) {
    this.#description = description
    this.#bounds = bounds
  }

  observe(labels: LabelsOf<L>, value: number): void {
    const key = keyOf(labels)
    let known = this.#distributions.get(key)
    if (known === undefined) {
      known = { labels, counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 }
      this.#distributions.set(key, known)
    }
    const found = this.#bounds.findIndex(bound => value <= bound)
    const bucket = found < 0 ? this.#bounds.length : found
    known.counts[bucket] = (known.counts[bucket] ?? 0) + 1
    known.sum += value
  }

  family(): Family {
    const samples = [...this.#distributions.values()].flatMap(one => this.#samplesOf(one))
    return { ...this.#description, type: 'histogram', samples }
  }

  /** Each bucket counts what is in the ones below it as well: so the format wants it. */
  #samplesOf({ labels, counts, sum }: Distribution): Sample[] {
    let total = 0
    const buckets = counts.map((count, index): Sample => {
      total += count
      const le = formatNumber(this.#bounds[index] ?? Number.POSITIVE_INFINITY)
      return { suffix: '_bucket', labels: { ...labels, le }, value: total }
    })
    return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }]
  }
}

/** A gauge with the value of this moment; `undefined` where it cannot be told. */
export function gauge(description: Description, value: number | undefined): Family {
  return gauges(description, value === undefined ? [] : [{ labels: {}, value }])
}

/** A gauge with several samples. */
export function gauges(description: Description, samples: readonly Sample[]): Family {
  return { ...description, type: 'gauge', samples }
}

/** A counter that somebody else keeps; `undefined` where it cannot be told. */
export function counted(description: Description, value: number | undefined): Family {
  return { ...gauge(description, value), type: 'counter' }
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.values(labels))
}
