import { TentacleError } from '../../errors.ts'
import { flag, value } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import type { ServiceDefinition, ServiceManager } from '../../service-manager/service-definition.ts'
import { findRecord, type SelectedInstance, selectInstance } from '../../settings/select-instance.ts'
import { openIndex, settingsAt } from '../choose-instance.ts'
import { type CommandContext, plainCommand } from '../command.ts'
import type { Machine } from '../machine.ts'
import { openServiceManager } from '../open-service-manager.ts'

const options = {
  start: flag('start', 'Starts the service'),
  stop: flag('stop', 'Stops the service; scripts that run go on'),
  restart: flag('restart', 'Stops the service and starts it again'),
  reconfigure: flag('reconfigure', 'Installs the service again'),
  install: flag('install', 'Installs the service'),
  username: value(
    'username|user',
    'Account that the service runs as, for --install and --reconfigure. Linux: root if none is given; the account gets the files of the instance. Windows: DOMAIN\\user, the system account if none is given. Can also be set with OCTOPUS_SERVICE_USERNAME',
  ),
  uninstall: flag('uninstall', 'Stops the service and removes it'),
  password: value(
    'password',
    'Password of that account; only needed on Windows. Can also be set with OCTOPUS_SERVICE_PASSWORD',
    { sensitive: true },
  ),
  dependOn: value('dependOn', 'Service of the system that has to be started before'),
  instance: value('instance', 'Name of the instance, or * for all of them, to start, stop or restart'),
} as const

type Options = ParsedOptions<typeof options>

/** Installs, changes, removes, starts and stops the agent as a service of the system, always in the same order. */
export const service = plainCommand({
  options,
  async run(chosen, context) {
    if (chosen.text('instance') === '*') return await onAll(chosen, context)
    const { machine } = context
    const index = openIndex(machine)
    const choice = { instance: chosen.text('instance'), cwd: machine.cwd }
    // What is left of an instance whose files are gone can still be stopped and removed.
    const needsFiles = ['install', 'reconfigure', 'start', 'restart'] as const
    const select = needsFiles.some(action => chosen.has(action)) ? selectInstance : findRecord
    await apply(chosen, await select(index, choice), context)
  },
})

/** Goes on with the next instance when one fails, and fails in the end. */
async function onAll(chosen: Options, context: CommandContext): Promise<void> {
  if (chosen.has('install') || chosen.has('uninstall') || chosen.has('reconfigure')) {
    throw new TentacleError('ERR_USAGE', '--instance=* works with --start, --stop and --restart only.')
  }
  const { instances } = await openIndex(context.machine).load()
  const failed: string[] = []
  for (const instance of instances) {
    try {
      await apply(chosen, instance, context)
    } catch (error) {
      if (!(error instanceof TentacleError)) throw error
      context.log.error(error.message)
      failed.push(instance.name)
    }
  }
  if (failed.length === 0) return
  throw new TentacleError('ERR_SERVICE', `It was not done for all instances. Failed: ${failed.join(', ')}.`)
}

async function apply(chosen: Options, selected: SelectedInstance, context: CommandContext): Promise<void> {
  const { log, machine } = context
  const { name, configPath } = selected
  const manager = openServiceManager(machine, log, async () => {
    const { home, applicationDirectory } = await settingsAt(configPath, machine).read()
    return { configPath, home, applications: applicationDirectory }
  })
  const definition = definitionOf(chosen, selected, context)
  if (name === undefined && chosen.has('install')) {
    log.info('Note that only one instance without a name can be a service of this machine.')
  }
  if (chosen.has('restart')) await manager.restart(name)
  if (chosen.has('stop')) await stop(manager, name, chosen)
  if (chosen.has('uninstall')) await manager.uninstall(name)
  if (chosen.has('install')) await manager.install(definition)
  if (chosen.has('reconfigure')) await manager.reconfigure(definition)
  if (chosen.has('start')) await manager.start(name)
}

/** Who wants the service to be gone does not mind that it is. */
async function stop(manager: ServiceManager, name: string | undefined, chosen: Options): Promise<void> {
  await manager.stop(name, chosen.has('uninstall'))
}

function definitionOf(
  chosen: Options,
  { name, configPath }: SelectedInstance,
  { machine, keepSecret }: CommandContext,
): ServiceDefinition {
  const { env, program } = machine
  const account = chosen.nonEmpty('username') ?? (env.OCTOPUS_SERVICE_USERNAME || undefined)
  const password = chosen.text('password') ?? env.OCTOPUS_SERVICE_PASSWORD
  keepSecret(password)
  const dependsOn = chosen.nonEmpty('dependOn')
  if (account !== undefined && /[\p{Cc}:/]|^[\s-]|\s$/u.test(account)) {
    throw new TentacleError('ERR_USAGE', `'${account}' is not the name of an account.`)
  }
  if (dependsOn !== undefined && /\p{Cc}/u.test(dependsOn)) {
    throw new TentacleError('ERR_USAGE', `'${dependsOn}' is not the name of a service.`)
  }
  return {
    instance: name,
    configPath,
    executable: program.executable,
    account,
    password,
    dependsOn,
    environment: indexVariable(machine),
  }
}

/** The service has an environment of its own: without this it would look for its instance elsewhere. */
function indexVariable({ env }: Machine): Readonly<Record<string, string>> {
  const root = env.TentacleMachineConfigurationHomeDirectory
  return root ? { TentacleMachineConfigurationHomeDirectory: root } : {}
}
