import { readFile } from 'node:fs/promises'

/** One request of a recorded flow, and what its client did with the answer. */
export interface RecordedRequest {
  readonly n: number
  /** Only for the handshake, which goes to the comms port. */
  readonly to?: string
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answered: { readonly status: number }
  /** Fields of the answer without which the client failed. */
  readonly needs?: readonly string[]
  readonly binds?: readonly Bind[]
  /** The link of an earlier answer that led here. */
  readonly link?: { readonly from: number; readonly link: string }
}

/** A value of the request that came out of an earlier answer. */
export interface Bind {
  readonly value: string
  readonly in: readonly string[]
  /** Number of the request; null: an id that the caller made up. */
  readonly from: number | null
  readonly at?: string
}

/** What must exist before the flow. */
export interface Given {
  readonly spaces: readonly string[]
  readonly environments?: readonly string[]
  readonly machines?: readonly (string | GivenMachine)[]
  readonly workers?: readonly GivenMachine[]
  readonly machinepolicies?: readonly string[]
  readonly tagsets?: readonly string[]
  readonly tenants?: readonly string[]
  readonly proxies?: readonly string[]
  readonly rights?: string
}

export interface GivenMachine {
  readonly Name: string
  readonly Thumbprint?: string
  readonly EnvironmentIds?: readonly string[]
  readonly Roles?: readonly string[]
}

export interface Recording {
  readonly flow: string
  readonly about: string
  readonly given: Given
  readonly requests: readonly RecordedRequest[]
}

/** Reads the recording of a flow from the fixtures. */
export async function readRecording(flow: string): Promise<Recording> {
  const text = await readFile(new URL(`./fixtures/recordings/${flow}.jsonl`, import.meta.url), 'utf8')
  const [head, ...requests] = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  return { flow, about: head.about, given: head.given, requests }
}

/** One step of a path such as `Items[Name=Dev].Links['Self']`: a member, an item, or every item. */
type Step =
  | string
  | { readonly all: true }
  | { readonly index: number }
  | { readonly name: string; readonly is: string }

function stepsOf(path: string): readonly Step[] {
  const steps: Step[] = []
  for (const [, member, quoted, inner] of path.matchAll(/([^.[\]]+)|\['([^']*)'\]|\[([^\]]*)\]/g)) {
    if (member !== undefined) steps.push(member)
    else if (quoted !== undefined) steps.push(quoted)
    else if (inner === '') steps.push({ all: true })
    else if (/^\d+$/.test(inner ?? '')) steps.push({ index: Number(inner) })
    else {
      const [name = '', is = ''] = (inner ?? '').split('=')
      steps.push({ name, is })
    }
  }
  return steps
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every value at the path, `undefined` for each place where there is none. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  return stepsOf(path).reduce<readonly unknown[]>(
    (values, step) =>
      values.flatMap(each => {
        if (typeof step === 'string') return [isRecord(each) ? each[step] : undefined]
        if (!Array.isArray(each)) return [undefined]
        if ('all' in step) return each
        if ('index' in step) return [each[step.index]]
        return [each.find(item => isRecord(item) && item[step.name] === step.is)]
      }),
    [value],
  )
}

/** The body with another value at the path, e.g. `Arguments.MachineIds[0]`. */
export function withValueAt(body: unknown, path: string, value: unknown): unknown {
  const replace = (at: unknown, steps: readonly Step[]): unknown => {
    const [step, ...rest] = steps
    if (step === undefined) return value
    if (typeof step === 'string') return isRecord(at) ? { ...at, [step]: replace(at[step], rest) } : at
    if ('index' in step && Array.isArray(at))
      return at.map((item, index) => (index === step.index ? replace(item, rest) : item))
    return at
  }
  return replace(body, stepsOf(path))
}

/** True when the address can have come out of the link's template: only parameters that the template names. */
export function isFromTemplate(
  template: string,
  path: string,
  query: Readonly<Record<string, string>>,
): boolean {
  const names = new Set<string>()
  const pattern = template
    .replace(/\{\?([^}]*)\}/g, (_all, list: string) => {
      for (const name of list.split(',')) names.add(name)
      return ''
    })
    .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    .replace(/\{\/[^}]*\}/g, '(/[^/]+)?')
    .replace(/\{[^}]*\}/g, '[^/]+')
  return new RegExp(`^${pattern}$`).test(path) && Object.keys(query).every(name => names.has(name))
}
