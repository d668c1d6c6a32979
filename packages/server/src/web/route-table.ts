import type { RouteOptions } from 'fastify'
import type { KnownSegments } from './rewrite-request.ts'

/** What routes there are, collected while they are added. */
export interface RouteTable extends KnownSegments {
  add(route: RouteOptions): void
  /** The verbs that exist for a path; empty: no such path. */
  methodsFor(path: string): readonly string[]
}

function patternOf(url: string): RegExp {
  const escaped = url.split('/').map(part => {
    if (part === '*') return '.*'
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${escaped.join('/')}$`, 'i')
}

/** An empty table. Throws, while routes are added, for a route of the API that does not say who may call it. */
export function createRouteTable(): RouteTable {
  const global = new Set<string>()
  const inSpace = new Set<string>()
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  return {
    global,
    inSpace,
    add({ url, method, config }) {
      const [, api, first = '', second = ''] = url.toLowerCase().split('/')
      if (api !== 'api') return
      if (config?.permission === undefined) throw new Error(`The route ${url} does not say who may call it.`)
      if (first.startsWith(':')) {
        if (second !== '') inSpace.add(second)
      } else if (first !== '') {
        global.add(first)
      }
      routes.push({ pattern: patternOf(url), methods: Array.isArray(method) ? method : [method] })
    },
    methodsFor: path => [
      ...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)),
    ],
  }
}
