import { TentacleError } from '../errors.ts'

/** A JSON object of the server, of which only what is used is known. */
export type Resource = Readonly<Record<string, unknown>>

/** @throws TentacleError `ERR_SERVER` if the answer is no JSON object. */
export function asResource(answer: unknown, path: string): Resource {
  if (isResource(answer)) return answer
  throw unexpected(path, 'an object')
}

/** The objects of a JSON list. @throws TentacleError `ERR_SERVER` if the answer is no list of objects. */
export function asResources(answer: unknown, path: string): Resource[] {
  if (Array.isArray(answer) && answer.every(isResource)) return answer
  throw unexpected(path, 'a list')
}

function isResource(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unexpected(path: string, expected: string): TentacleError {
  return new TentacleError(
    'ERR_SERVER',
    `The answer to ${path} is not ${expected}. Is there an Octopus Server at this address?`,
  )
}

/** A member that is a text, or an empty text. */
export function textOf(resource: Resource, member: string): string {
  const value = resource[member]
  return typeof value === 'string' ? value : ''
}

/** A member that is a list of texts. */
export function textsOf(resource: Resource, member: string): string[] {
  const value = resource[member]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

/** A link of a resource, if it has one of that name; names are compared without case. */
export function findLink(resource: Resource, name: string): string | undefined {
  const links = resource.Links
  if (!isResource(links)) return undefined
  const found = Object.entries(links).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof found === 'string' ? found : undefined
}

/** @throws TentacleError `ERR_SERVER` if the resource has no link of that name. */
export function linkOf(resource: Resource, name: string): string {
  const link = findLink(resource, name)
  if (link !== undefined) return link
  throw new TentacleError(
    'ERR_SERVER',
    `The server does not offer '${name}' to this user. Check the permissions of the user, and that this is an Octopus Server.`,
  )
}

/** Whether two names of things on the server are the same. Blanks count, case does not. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
