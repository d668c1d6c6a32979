import type { CheckPlan } from '../../check/plan.ts'
import { startChecks } from '../../check/plan.ts'
import { printJson, printSection, summarize, type TitledFinding } from '../../check/print-report.ts'
import { TentacleError } from '../../errors.ts'
import { SecretMask } from '../../logging/mask.ts'
import { apiOptions, parseServer, readApiEndpoint, spaceOptions } from '../../options/api-options.ts'
import { formatOptions, instanceOptions } from '../../options/common-options.ts'
import { formatOf } from '../../options/format.ts'
import { type OptionTable, value } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import { commsAddress } from '../../registration/comms-address.ts'
import { chooseGivenInstance } from '../choose-instance.ts'
import { plainCommand } from '../command.ts'
import type { Machine } from '../machine.ts'

/** How long each check may take, in seconds, unless the command line says otherwise. */
const defaultTimeoutSeconds = 10

const options = {
  ...instanceOptions,
  commsAddress: value(
    'server-comms-address',
    'A server to try to reach as a polling agent would, before anything is registered: https://server:10943 or wss://…',
  ),
  ...apiOptions,
  server: value('server', 'Web portal of the server; with --apiKey it is asked how it knows this agent'),
  ...spaceOptions,
  timeout: value('timeout', `Seconds that each check may take; ${defaultTimeoutSeconds} if none is given`),
  format: value(
    'format',
    `${formatOptions.format.description}. The exit code is 0 if no check failed, whatever the warnings, and 1 if one did`,
  ),
} as const satisfies OptionTable

type Given = ParsedOptions<typeof options>

/**
 * Walks the whole way to the servers of an instance and says where it breaks. It finds the instance itself, because one
 * that is missing or damaged is a finding too. It changes nothing and writes no log.
 */
export const check = plainCommand({
  options,
  async run(given, context) {
    const format = formatOf(given.text('format'))
    const timeoutMs = readTimeout(given)
    // Whatever others answer is printed, and they may answer with what they were told.
    const mask = new SecretMask()
    for (const secret of given.secrets) mask.add(secret)
    const print = (text: string) => context.payload(mask.apply(text))
    const plan = await makePlan(given, context.machine, secret => mask.add(secret))
    const findings: TitledFinding[] = []
    for (const { title, findings: found } of await startChecks(plan, { signal: context.signal, timeoutMs })) {
      const done = await found
      findings.push(...done.map(finding => ({ ...finding, section: title })))
      if (format === 'text') print(printSection(title, done))
    }
    if (format === 'json') print(`${printJson(findings)}\n`)
    const summary = summarize(findings)
    if (findings.some(({ status }) => status === 'failed')) throw new TentacleError('ERR_REFUSED', summary)
    if (format === 'text') print(`${summary}\n`)
  },
})

async function makePlan(
  given: Given,
  machine: Machine,
  keepSecret: CheckPlan['keepSecret'],
): Promise<CheckPlan> {
  const address = readCommsAddress(given)
  const portal = readPortal(given)
  const { found, error } = await chooseGivenInstance(machine, given)
  const name = found?.name
  return {
    choice: {
      name,
      instanceArgument: name === undefined ? '' : ` --instance ${/\s/.test(name) ? `"${name}"` : name}`,
      read: async () => {
        if (found === undefined) throw error
        return await found.settings.read()
      },
      isTrial: address !== undefined,
      user: machine.user,
    },
    commsAddress: address,
    portal,
    machineName: machine.name,
    env: machine.env,
    now: machine.now,
    keepSecret,
  }
}

function readCommsAddress(given: Given): string | undefined {
  const typed = given.nonEmpty('commsAddress')
  if (typed === undefined || (/^wss:/i.test(typed) && URL.canParse(typed))) return typed
  return commsAddress(undefined, typed, undefined).address
}

function readPortal(given: Given): CheckPlan['portal'] {
  const isUserGiven = (['apiKey', 'bearerToken', 'username', 'password'] as const).some(
    option => given.nonEmpty(option) !== undefined,
  )
  const space = given.nonEmpty('space')
  if (isUserGiven) return { ...readApiEndpoint(given), space }
  const server = given.nonEmpty('server')
  if (server === undefined) return undefined
  return {
    server: parseServer(server),
    credentials: undefined,
    ignoreSslErrors: given.has('ignoreSslErrors'),
    space,
  }
}

function readTimeout(given: Given): number {
  const seconds = given.integer('timeout') ?? defaultTimeoutSeconds
  if (seconds > 0) return seconds * 1000
  throw new TentacleError('ERR_USAGE', '--timeout must be a number of seconds above 0.')
}
