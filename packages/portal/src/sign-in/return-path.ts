/**
 * Where to go after signing in: only a path inside the portal. Anything else (another site, a scheme, the sign-in page
 * itself) is the front page, so that a crafted link cannot send people away.
 */
export function safeReturnPath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/') || /^\/[/\\]/.test(path)) return '/'
  if (path === '/sign-in' || path.startsWith('/sign-in?')) return '/'
  return path
}

/**
 * The portal's path for an address of the older form `/app#/Spaces-1/tasks/ServerTasks-7`, which clients print and
 * people have in their notes. `undefined` when the fragment is no such address.
 */
export function pathFromFragment(fragment: string): string | undefined {
  if (!fragment.startsWith('#/')) return undefined
  const path = safeReturnPath(fragment.slice(1))
  const deployment = /^(\/[^/]+)\/projects\/[^/]+\/deployments\/releases\/.*\/deployments\/([^/]+)$/.exec(
    path,
  )
  return deployment ? `${deployment[1]}/deployments/${deployment[2]}` : path
}
