import { TentacleError } from '../errors.ts'
import type { ApiClient } from '../web-api/api-client.ts'
import { linkOf, textOf } from '../web-api/resource.ts'
import { findByThumbprint } from './lookups.ts'
import { chooseSpace, openDefaultSpace, openSpace, thumbprintThrough } from './repository.ts'

/** Which machines to delete. */
export interface Deregistration {
  readonly kind: 'target' | 'worker'
  readonly thumbprint: string
  readonly space: string | undefined
  /** Whether several may be deleted. */
  readonly multiple: boolean
  /** Called with the name before each is deleted. */
  readonly onDelete: (name: string) => void
}

/**
 * Deletes the machines with this agent's thumbprint (docs/wire/tentacle-registration.md 5).
 *
 * @returns the thumbprint of the server, which stays trusted.
 * @throws TentacleError `ERR_REFUSED` if there is none, or several without `multiple`; then nothing is deleted.
 */
export async function deregister(api: ApiClient, deregistration: Deregistration): Promise<string> {
  const { kind, thumbprint, space, multiple, onDelete } = deregistration
  await openDefaultSpace(api)
  const chosen = await chooseSpace(api, space)
  const { links, root } = await openSpace(api, chosen)
  const collection = kind === 'target' ? 'Machines' : 'Workers'
  const found = await findByThumbprint({ api, links }, collection, thumbprint)
  const what = kind === 'target' ? 'machine' : 'worker'
  if (found.length === 0) {
    throw new TentacleError('ERR_REFUSED', `No ${what} was found matching this Tentacle's thumbprint.`)
  }
  if (found.length > 1 && !multiple) {
    const names = found.map(machine => `'${textOf(machine, 'Name')}'`).join(', ')
    throw new TentacleError(
      'ERR_REFUSED',
      `The server has ${found.length} of this agent: ${names}. Give --multiple to remove all of them.`,
    )
  }
  for (const machine of found) {
    onDelete(textOf(machine, 'Name'))
    await api.delete(linkOf(machine, 'Self'))
  }
  return await thumbprintThrough(api, root)
}
