/** A name in lower-case letters, digits and dashes: `Load Balancer (old)` → `load-balancer-old`. Never empty. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
  return slug === '' ? 'unnamed' : slug
}

/** The slug after a change: the one that was given, else the one that there was, else one made of the name. */
export function chooseSlug(
  given: string | null | undefined,
  before: string | undefined,
  name: string,
): string {
  return given ? slugOf(given) : (before ?? slugOf(name))
}
