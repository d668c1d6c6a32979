/**
 * Puts the web prefix in front of every link of an answer (`/api/…`, `/app…`). Routes write links as if there were no
 * prefix, so none can forget it.
 */
export function prefixLinks(payload: unknown, prefix: string): unknown {
  if (prefix === '' || typeof payload !== 'object' || payload === null) return payload
  if (Array.isArray(payload)) return payload.map(item => prefixLinks(item, prefix))
  return Object.fromEntries(
    Object.entries(payload).map(([name, value]) => [
      name,
      name === 'Links' ? prefixEach(value, prefix) : prefixLinks(value, prefix),
    ]),
  )
}

function prefixEach(links: unknown, prefix: string): unknown {
  if (typeof links !== 'object' || links === null) return links
  return Object.fromEntries(
    Object.entries(links).map(([name, link]) => [
      name,
      typeof link === 'string' && link.startsWith('/') ? prefix + link : link,
    ]),
  )
}

/** `octopus/` → `/octopus`; empty and `/` → ''. */
export function normalizePrefix(text: string): string {
  const inner = text.trim().replace(/^\/+|\/+$/g, '')
  return inner === '' ? '' : `/${inner}`
}
