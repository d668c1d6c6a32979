import { TentacleError } from '../../errors.ts'
import { list, type OptionTable, value } from '../../options/option-table.ts'
import { instanceCommand } from '../command.ts'
import { registerOptions, runRegister } from './register-command.ts'

const options = {
  ...registerOptions,
  environments: list(
    'env|environment',
    'Environment that this target is in, by name, slug or id; repeat for several',
  ),
  roles: list('r|role', 'Role of this target, as web-server; repeat for several'),
  tenants: list('tenant', 'Tenant that is deployed to this target, by name, slug or id; repeat for several'),
  tenantTags: list(
    'tenanttag',
    'Tag, as Set/Tag, of tenants that are deployed to this target; repeat for several',
  ),
  participation: value(
    'tenanted-deployment-participation',
    'Which deployments include this target: Untenanted, which is the default, TenantedOrUntenanted or Tenanted',
  ),
} as const satisfies OptionTable

const participations = ['Untenanted', 'TenantedOrUntenanted', 'Tenanted'] as const

/** A polling target holds one connection: deployments to one machine come one after the other. */
const seedConnections = 1

/** Makes this agent a deployment target of a server. */
export const registerWith = instanceCommand({
  options,
  async run(given, context) {
    const [environments, roles] = [given.all('environments'), given.all('roles')]
    if (environments.length === 0) {
      throw new TentacleError('ERR_USAGE', 'Give the environment that this target is in: --environment=NAME')
    }
    if (roles.length === 0) throw new TentacleError('ERR_USAGE', 'Give the role of this target: --role=NAME')
    await runRegister(
      given,
      {
        kind: 'target',
        environments,
        roles,
        tenants: given.all('tenants'),
        tenantTags: given.all('tenantTags'),
        tenantedDeploymentParticipation: participationOf(given.nonEmpty('participation')),
      },
      seedConnections,
      context,
    )
  },
})

function participationOf(typed: string | undefined): string {
  if (typed === undefined) return participations[0]
  const found = participations.find(name => name.toLowerCase() === typed.trim().toLowerCase())
  if (found !== undefined) return found
  throw new TentacleError(
    'ERR_USAGE',
    `'${typed}' is no --tenanted-deployment-participation; give one of ${participations.join(', ')}.`,
  )
}
