import { setTimeout as delay } from 'node:timers/promises'
import { toError } from '../../errors.ts'
import { watchParent } from '../../host/parent-watch.ts'
import type { StopRequestOptions } from '../../host/stop-request.ts'
import { flag, value } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import type { WindowsService } from '../../windows/service-host.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import { compatibleVersion } from '../version.ts'

/** Shorter waits, in ms, are not worth their line in the log. */
const shortestWaitMs = 20

const ownOptions = {
  wait: value('wait', 'Milliseconds to wait before starting'),
  console: flag(
    'console',
    'Stops on Enter; this is the default. See also --noninteractive, which stops on a signal only',
  ),
} as const

/** Runs the agent until it is told to stop, in a terminal or as a service. */
export const agent = instanceCommand({
  options: ownOptions,
  async run(options, context) {
    const { host, machine } = context
    const service = host.kind === 'unsaid' ? await machine.windows?.connectService() : undefined
    if (service === undefined) return await runUntilStopped(options, context)
    let exitCode: number = exitCodes.success
    try {
      await runUntilStopped(options, context, service)
    } catch (thrown) {
      exitCode = exitCodeOf(toError(thrown))
      throw thrown
    } finally {
      await service.stopped(exitCode)
    }
  },
})

async function runUntilStopped(
  options: Pick<ParsedOptions<typeof ownOptions>, 'integer'>,
  context: InstanceContext,
  service?: WindowsService,
): Promise<void> {
  const { log, machine } = context
  const signal = service ? AbortSignal.any([context.signal, service.stopRequest]) : context.signal
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
  const notifier = service ?? createServiceNotifier({ env: machine.env, processId: machine.processId, log })
  if (machine.windows?.isElevated() === false)
    log.warn('This agent has not the rights of an administrator, and neither have its scripts.')
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
      await waitForStopRequest({ ...(await requesters(context, service)), signal, log })
      await notifier.stopping()
    },
  })
}

/** Who may stop the agent besides signals and Windows. */
async function requesters(
  { host, machine }: InstanceContext,
  service: WindowsService | undefined,
): Promise<Pick<StopRequestOptions, 'stdin' | 'watch'>> {
  if (host.kind === 'parent') {
    const { windows } = machine
    return { stdin: undefined, watch: windows ? gone => windows.watchMutex(host.mutex, gone) : watchParent }
  }
  const isConsole = host.kind !== 'signals' && service === undefined
  return { stdin: isConsole ? machine.stdin : undefined, watch: undefined }
}

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
