import { TentacleError } from '../../errors.ts'
import { apiOptions, readApiEndpoint, spaceOptions } from '../../options/api-options.ts'
import { flag, type OptionTable } from '../../options/option-table.ts'
import { deregister } from '../../registration/deregister.ts'
import { type InstanceCommand, instanceCommand } from '../command.ts'
import { withServer } from './with-server.ts'

const options = {
  ...apiOptions,
  multiple: flag('m|multiple', 'Removes all that have the thumbprint of this agent, if they are several'),
  ...spaceOptions,
} as const satisfies OptionTable

/** `deregister-from` and `deregister-worker`. The server stays trusted; how to end that is said. */
export function deregisterCommand(kind: 'target' | 'worker'): InstanceCommand {
  const what = kind === 'target' ? 'machine' : 'worker'
  return instanceCommand({
    options,
    async run(given, context) {
      const endpoint = readApiEndpoint(given)
      const settings = await context.settings.read()
      const thumbprint = settings.certificateThumbprint
      if (thumbprint === undefined) {
        throw new TentacleError(
          'ERR_NO_CERTIFICATE',
          'This agent has no certificate, so no server can know it.',
        )
      }
      const { log } = context
      const server = await withServer(endpoint, await settings.pollingProxy(), context, api =>
        deregister(api, {
          kind,
          thumbprint,
          space: given.nonEmpty('space'),
          multiple: given.has('multiple'),
          onDelete: name => log.info(`Deleting ${what} '${name}' from the Octopus Server...`),
        }),
      )
      log.info(
        `This agent still trusts that server. To end it: 'Tentacle configure --remove-trust=${server}${context.instanceArgument}'`,
      )
      log.info(`${kind === 'target' ? 'Machine' : 'Worker'} deregistered successfully`)
    },
  })
}
