import { setTimeout as delay } from 'node:timers/promises'
import { flag, value } from '../../options/option-table.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'
import { compatibleVersion } from '../version.ts'

/** Shorter waits, in ms, are not worth their line in the log. */
const shortestWaitMs = 20

/** Runs the agent until it is told to stop, in a terminal or as a service. */
export const agent = instanceCommand({
  options: {
    wait: value('wait', 'Milliseconds to wait before starting'),
    console: flag(
      'console',
      'Stops on Enter; this is the default. See also --noninteractive, which stops on a signal only',
    ),
  },
  async run(options, context) {
    const { log, machine, signal, host } = context
    const wait = options.integer('wait') ?? 0
    if (wait >= shortestWaitMs) {
      log.info(`Sleeping for ${wait}ms...`)
      await delay(wait, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
    }
    // Help and mistakes on the command line need nothing of this.
    const { runAgent } = await import('../../host/run-agent.ts')
    const { waitForStopRequest } = await import('../../host/stop-request.ts')
    const { createServiceNotifier, withoutServiceVariables } = await import('../../host/service-notifier.ts')
    const notifier = createServiceNotifier({ env: machine.env, processId: machine.processId, log })
    await runAgent({
      instance: context.instance,
      settings: context.settings,
      executable: machine.program.executable,
      version: compatibleVersion,
      env: withoutServiceVariables(machine.env),
      now: machine.now,
      log,
      keepSecret: context.keepSecret,
      async untilStopped(work) {
        await notifier.ready(work)
        await warnOfUnit(context)
        await waitForStopRequest({ host, stdin: machine.stdin, signal, log })
        await notifier.stopping()
      },
    })
  },
})

/** Who replaces the original's program keeps its unit, with which systemd ends what scripts run. */
async function warnOfUnit({ machine, log, instanceArgument }: InstanceContext): Promise<void> {
  const { env, processId } = machine
  if (env.SYSTEMD_EXEC_PID !== String(processId)) return // not started by systemd: nothing more is loaded
  const { unitThatEndsScripts } = await import('../../host/unit-check.ts')
  const { programsOf } = await import('../open-service-manager.ts')
  const unit = await unitThatEndsScripts(programsOf(machine))
  if (unit === undefined) return
  log.warn(
    `When ${unit} is stopped or restarted, systemd ends the scripts that run. To let them go on: Tentacle service${instanceArgument} --reconfigure --start`,
  )
}
