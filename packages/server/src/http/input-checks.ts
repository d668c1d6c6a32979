import type { DocumentRepository } from '../db/document-repository.ts'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { SpaceDocument } from '../model/document.ts'

/** Collects everything that is wrong with a request, so that the caller learns all of it at once. */
export interface Problems {
  add(problem: string): void
  /** Adds a problem without which the rest makes no sense, and throws. */
  refuse(problem: string): never
  /** Throws `ERR_INVALID_INPUT` when something was added. */
  throwIfAny(): void
}

/** An empty collection. */
export function collectProblems(): Problems {
  const problems: string[] = []
  const refusal = (): ServerError =>
    new ServerError('ERR_INVALID_INPUT', 'There was a problem with your request.', { problems })
  return {
    add: problem => problems.push(problem),
    refuse(problem) {
      problems.push(problem)
      throw refusal()
    },
    throwIfAny() {
      if (problems.length > 0) throw refusal()
    },
  }
}

/** Refuses a request for one reason. */
export function invalid(problem: string): ServerError {
  return new ServerError('ERR_INVALID_INPUT', 'There was a problem with your request.', {
    problems: [problem],
  })
}

/** A deletion or change that something else forbids. */
export function inUse(problem: string): ServerError {
  return new ServerError('ERR_CONFLICT', problem, { problems: [problem] })
}

export const maxNameLength = 200

/** The name without blanks around it; an empty or overlong one is a problem. */
export function checkName(name: string | null | undefined, what: string, problems: Problems): string {
  const trimmed = (name ?? '').trim()
  if (trimmed === '') problems.add(`${what} needs a name.`)
  if (trimmed.length > maxNameLength)
    problems.add(`The name of ${what} may have ${maxNameLength} characters at most.`)
  return trimmed
}

/** Says which of the ids name nothing in the space. Gives the ids without repetitions. */
export async function checkIds<T extends SpaceDocument>(
  documents: DocumentRepository<T>,
  spaceId: string,
  ids: readonly string[],
  what: string,
  problems: Problems,
): Promise<readonly string[]> {
  const known = new Map(
    (await documents.list({ spaceId, ids })).items.map(item => [item.id.toLowerCase(), item.id]),
  )
  const missing = ids.filter(id => !known.has(id.toLowerCase()))
  if (missing.length > 0)
    problems.add(`There is no ${what} ${missing.map(id => `'${id}'`).join(', ')} in this space.`)
  return [...new Set(ids.flatMap(id => known.get(id.toLowerCase()) ?? []))]
}

/** The canonical spelling of tenant tags (`Set/Tag`); unknown ones are a problem. */
export async function checkTenantTags(
  store: Store,
  spaceId: string,
  tags: readonly string[],
  problems: Problems,
): Promise<readonly string[]> {
  if (tags.length === 0) return []
  const sets = (await store.tagSets.list({ spaceId })).items
  const canonical = new Map(
    sets
      .flatMap(set => set.tags.map(tag => `${set.name}/${tag.name}`))
      .map(name => [name.toLowerCase(), name]),
  )
  const missing = tags.filter(tag => !canonical.has(tag.toLowerCase()))
  if (missing.length > 0)
    problems.add(`There is no tenant tag ${missing.map(tag => `'${tag}'`).join(', ')} in this space.`)
  return [...new Set(tags.flatMap(tag => canonical.get(tag.toLowerCase()) ?? []))]
}
