import { createScriptServices } from '../src/services/create-script-services.ts'
import { caller, logsOf, optionsOf } from './script-agent.ts'

/** A process that hosts the services of a home, to be killed. Started by `agent-process.ts`. */
const [home = ''] = process.argv.slice(2)
const services = await createScriptServices(optionsOf(home))

export interface HostCall {
  readonly id: number
  readonly method: 'startScript' | 'getStatus' | 'cancelScript' | 'completeScript'
  readonly argument: never
}

export interface HostAnswer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

process.on('message', ({ id, method, argument }: HostCall) => {
  Promise.resolve()
    .then(() => services.scriptsV2[method](argument, caller))
    .then(
      answer => {
        const value = answer && { ...answer, logs: logsOf(answer) }
        process.send?.({ id, value } satisfies HostAnswer)
      },
      (error: unknown) => process.send?.({ id, error: String(error) } satisfies HostAnswer),
    )
})
process.once('disconnect', () => services.stop())
process.send?.({ id: 0 } satisfies HostAnswer)
