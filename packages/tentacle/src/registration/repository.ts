import { TentacleError } from '../errors.ts'
import type { ApiClient } from '../web-api/api-client.ts'
import type { Credentials } from '../web-api/api-endpoint.ts'
import { expandLink } from '../web-api/links.ts'
import {
  asResource,
  asResources,
  findLink,
  linkOf,
  type Resource,
  sameName,
  textOf,
} from '../web-api/resource.ts'

/** The documents from which all links of a space start. */
export interface SpaceDocuments {
  /** Undefined on servers that have no spaces. */
  readonly spaceId: string | undefined
  /** The document whose links lead to machines, environments and so on. */
  readonly links: Resource
  readonly root: Resource
}

/**
 * Signs in, if that takes a request of its own: API keys and tokens go with each request
 * (docs/wire/tentacle-registration.md 1).
 *
 * @throws TentacleError `ERR_SERVER` with the server's words for a wrong password.
 */
export async function signIn(api: ApiClient, credentials: Credentials, server: URL): Promise<void> {
  if (credentials.kind !== 'password') return
  const root = await api.root()
  try {
    await api.get(linkOf(root, 'CurrentUser'))
    return // a server that lets everybody in
  } catch (error) {
    if (!(error instanceof TentacleError) || error.code !== 'ERR_NOT_ALLOWED') throw error
  }
  await api.post(expandLink(linkOf(root, 'SignIn')), {
    Username: credentials.username,
    Password: credentials.password,
    RememberMe: false,
    State: { UsingSecureConnection: server.protocol === 'https:' },
  })
}

/**
 * Reads what the original's client reads before it does anything: the root, and the home of the default space if the
 * user has one. A user without any right is found out by the next step, which asks the same.
 */
export async function openDefaultSpace(api: ApiClient): Promise<void> {
  const root = await api.root()
  if (findLink(root, 'Spaces') === undefined) return
  try {
    const space = defaultSpace(await spacesOf(api, root))
    if (space !== undefined) await api.get(linkOf(space, 'SpaceHome'))
  } catch (error) {
    if (!(error instanceof TentacleError) || error.code !== 'ERR_NOT_ALLOWED') throw error
  }
}

/**
 * The space of that name, or the default one.
 *
 * @returns undefined on servers that have no spaces.
 * @throws TentacleError `ERR_REFUSED` if there is no such space.
 */
export async function chooseSpace(api: ApiClient, name: string | undefined): Promise<Resource | undefined> {
  const root = await api.root()
  if (findLink(root, 'Spaces') === undefined) return undefined
  const spaces = await spacesOf(api, root)
  if (name === undefined) {
    const space = defaultSpace(spaces)
    if (space !== undefined) return space
    throw new TentacleError(
      'ERR_REFUSED',
      'The server has no default space that this user may use. Choose a space with --space=NAME.',
    )
  }
  const [found, second] = spaces.filter(space => sameName(textOf(space, 'Name'), name))
  if (second !== undefined)
    throw new TentacleError('ERR_SERVER', `The server has several spaces called '${name}'.`)
  if (found !== undefined) return found
  throw new TentacleError(
    'ERR_REFUSED',
    `There is no space called "${name}" that this user may use. Check the spelling and the rights of the user.`,
  )
}

/** Reads the documents that lead to the things of a space. */
export async function openSpace(api: ApiClient, space: Resource | undefined): Promise<SpaceDocuments> {
  const root = await api.root()
  if (space === undefined) return { spaceId: undefined, links: root, root }
  const home = linkOf(space, 'SpaceHome')
  return { spaceId: textOf(space, 'Id'), links: asResource(await api.get(home), home), root }
}

/** The thumbprint of the certificate with which the server meets its agents. */
export async function serverThumbprint(api: ApiClient): Promise<string> {
  return await thumbprintThrough(api, await api.root())
}

/** As `serverThumbprint`, for callers that have the root document already. */
export async function thumbprintThrough(api: ApiClient, root: Resource): Promise<string> {
  const link = expandLink(linkOf(root, 'CertificateConfiguration'), { id: 'certificate-global' })
  const thumbprint = textOf(asResource(await api.get(link), link), 'Thumbprint')
  if (/^[0-9A-F]{40}$/i.test(thumbprint)) return thumbprint
  throw new TentacleError(
    'ERR_SERVER',
    `The server does not tell the thumbprint of its certificate at ${link}.`,
  )
}

async function spacesOf(api: ApiClient, root: Resource): Promise<Resource[]> {
  const me = linkOf(root, 'CurrentUser')
  const link = expandLink(linkOf(asResource(await api.get(me), me), 'Spaces'))
  return asResources(await api.get(link), link)
}

function defaultSpace(spaces: readonly Resource[]): Resource | undefined {
  const defaults = spaces.filter(space => space.IsDefault === true)
  if (defaults.length > 1) throw new TentacleError('ERR_SERVER', 'The server has several default spaces.')
  return defaults[0]
}
