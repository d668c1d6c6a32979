import { parseArgs } from 'node:util'

/** What a soak is run with. */
export interface SoakOptions {
  readonly minutes: number
  /** Polling services; a tenth as many listening ones come on top. */
  readonly peers: number
  readonly seed: number
}

export const help = `npm run soak [-- --minutes 10] [--peers 1000] [--seed 1]

One runtime calls many services behind a network that fails at random, and every call is counted on both sides.

  --minutes N  how long calls are made (default 10; fractions are fine)
  --peers N    how many services poll; a tenth as many listen on top (default 1000)
  --seed N     which random faults, peers and calls (default 1); their order in time varies all the same

Exit code 1 and the reasons when a call ran twice, an answered call did not run, a call hung, an answer was another
call's, a service never came back, memory grew, or sockets or files were left.
`

/** @returns undefined when help was asked for. @throws Error for what is no option, or no value of one */
export function parseSoakOptions(args: readonly string[]): SoakOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      peers: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    minutes: number('minutes', values.minutes, { above: 0 }),
    peers: number('peers', values.peers, { above: 0, isWhole: true }),
    seed: number('seed', values.seed, { above: -1, isWhole: true }),
  }
}

function number(
  name: string,
  text: string,
  { above, isWhole = false }: { above: number; isWhole?: boolean },
): number {
  const value = Number(text)
  if (
    text.trim() === '' ||
    !(value > above) ||
    !Number.isFinite(value) ||
    (isWhole && !Number.isInteger(value))
  )
    throw new Error(`--${name} cannot be '${text}': give a ${isWhole ? 'whole ' : ''}number above ${above}.`)
  return value
}
