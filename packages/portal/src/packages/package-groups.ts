import type { Package } from '../api/packages.ts'

/** All versions of one package, newest upload first. */
export interface PackageGroup {
  readonly packageId: string
  readonly newest: Package
  readonly versions: readonly Package[]
}

/** Puts the versions of each package together; packages by name, without regard to case. */
export function groupPackages(packages: readonly Package[]): readonly PackageGroup[] {
  const groups = new Map<string, Package[]>()
  for (const item of packages) {
    const key = item.packageId.toLowerCase()
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return [...groups.values()]
    .map(group => group.toSorted((a, b) => (b.published ?? 0) - (a.published ?? 0)))
    .flatMap(versions => {
      const [newest] = versions
      return newest ? [{ packageId: newest.packageId, newest, versions }] : []
    })
    .toSorted((a, b) => a.packageId.localeCompare(b.packageId, 'en', { sensitivity: 'base' }))
}
