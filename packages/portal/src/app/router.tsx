import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ApiError } from '../api/api-error.ts'
import type { ApiClient } from '../api/client.ts'
import { getDeployment } from '../api/projects.ts'
import { queries } from '../api/queries.ts'
import type { User } from '../api/users.ts'
import { ConnectPage } from '../connect/connect-page.tsx'
import { ConsolePage } from '../console/console-page.tsx'
import { DashboardPage } from '../dashboard/dashboard-page.tsx'
import { MachinePage } from '../machines/machine-page.tsx'
import { MachinesPage } from '../machines/machines-page.tsx'
import { PackagesPage } from '../packages/packages-page.tsx'
import { safeReturnPath } from '../sign-in/return-path.ts'
import { SignInPage } from '../sign-in/sign-in-page.tsx'
import { TaskPage } from '../tasks/task-page.tsx'
import { TasksPage } from '../tasks/tasks-page.tsx'
import { isTaskState, type TaskState } from '../text/states.ts'
import { BareFailurePage, BareNotFoundPage, FailurePage, NotFoundPage, WaitPage } from './failure-page.tsx'
import { Shell } from './shell.tsx'

/** What every route may use while it loads. */
export interface RouterContext {
  readonly api: ApiClient
  readonly cache: QueryClient
}

/** For what fails before the menu is there. */
const bareErrors = { notFoundComponent: BareNotFoundPage, errorComponent: BareFailurePage }

const rootRoute = createRootRouteWithContext<RouterContext>()({ component: Outlet, ...bareErrors })

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: 'sign-in',
  validateSearch: (search): { returnTo?: string; ended?: boolean } => ({
    ...(typeof search.returnTo === 'string' ? { returnTo: safeReturnPath(search.returnTo) } : {}),
    ...(search.ended === true ? { ended: true } : {}),
  }),
  component: SignInPage,
})

/** Everything behind the sign-in. Without a session nothing is asked of the server. */
const insideRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'inside',
  ...bareErrors,
  async beforeLoad({ context: { api, cache }, location }) {
    const known = cache.getQueryData(queries.me(api).queryKey)
    if (known) return { user: known }
    const signIn = () => redirect({ to: '/sign-in', search: { returnTo: location.href }, replace: true })
    if (!(await api.hasSession())) throw signIn()
    try {
      return { user: await cache.fetchQuery({ ...queries.me(api), retry: false }) }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'ERR_SIGNED_OUT') throw signIn()
      throw error
    }
  },
})

/** The space that is shown to somebody who asked for none. */
async function findHomeSpace({ api, cache, user }: RouterContext & { user: User }): Promise<string> {
  const spaces = await cache.fetchQuery(queries.spaces(api, user.id))
  const space = spaces.find(({ isDefault }) => isDefault) ?? spaces[0]
  if (space) return space.id
  throw new ApiError(
    'ERR_FORBIDDEN',
    'Your user does not belong to any space. Ask an administrator for access.',
  )
}

const frontRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/',
  ...bareErrors,
  async beforeLoad({ context }) {
    throw redirect({ to: '/$space', params: { space: await findHomeSpace(context) }, replace: true })
  },
})

/** The address that is printed for a task of no space. */
const systemTaskRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: 'tasks/$task',
  async beforeLoad({ context, params: { task } }) {
    throw redirect({
      to: '/$space/tasks/$task',
      params: { space: await findHomeSpace(context), task },
      replace: true,
    })
  },
})

const spaceRoute = createRoute({ getParentRoute: () => insideRoute, path: '$space', component: Shell })

const dashboardRoute = createRoute({ getParentRoute: () => spaceRoute, path: '/', component: DashboardPage })

const machinesRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'infrastructure/machines',
  validateSearch: (search): { filter?: string; environment?: string; health?: string } => ({
    ...textOf(search, 'filter'),
    ...textOf(search, 'environment'),
    ...textOf(search, 'health'),
  }),
  component: MachinesPage,
})

const machineRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'infrastructure/machines/$machine',
  component: MachinePage,
})

/** The address that clients print for a machine has one more part. */
const machineSettingsRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'infrastructure/machines/$machine/$part',
  beforeLoad: ({ params: { space, machine } }) => {
    throw redirect({
      to: '/$space/infrastructure/machines/$machine',
      params: { space, machine },
      replace: true,
    })
  },
})

const connectRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'infrastructure/connect',
  component: ConnectPage,
})

const tasksRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'tasks',
  validateSearch: (search): { state?: TaskState; page?: number } => ({
    ...(typeof search.state === 'string' && isTaskState(search.state) ? { state: search.state } : {}),
    ...(Number.isInteger(search.page) && Number(search.page) > 1 ? { page: Number(search.page) } : {}),
  }),
  component: TasksPage,
})

const consoleRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'tasks/console',
  validateSearch: (search): { from?: string; machine?: string } => ({
    ...textOf(search, 'from'),
    ...textOf(search, 'machine'),
  }),
  component: ConsolePage,
})

const taskRoute = createRoute({ getParentRoute: () => spaceRoute, path: 'tasks/$task', component: TaskPage })

/** A deployment is shown as its task. */
const deploymentRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'deployments/$deployment',
  async beforeLoad({ context: { api }, params: { space, deployment } }) {
    const { taskId } = await getDeployment(api, space, deployment)
    throw redirect({ to: '/$space/tasks/$task', params: { space, task: taskId }, replace: true })
  },
})

const packagesRoute = createRoute({
  getParentRoute: () => spaceRoute,
  path: 'library/packages',
  validateSearch: (search): { filter?: string } => textOf(search, 'filter'),
  component: PackagesPage,
})

const unknownRoute = createRoute({ getParentRoute: () => spaceRoute, path: '$', component: NotFoundPage })

/** A search parameter that is a text with something in it. */
function textOf<K extends string>(search: Record<string, unknown>, name: K): { [P in K]?: string } {
  const value = search[name]
  // A number or a truth value was read from text such as `filter=42`.
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  const found: { [P in K]?: string } = {}
  if (typeof text === 'string' && text !== '') found[name] = text
  return found
}

const routeTree = rootRoute.addChildren([
  signInRoute,
  insideRoute.addChildren([
    frontRoute,
    systemTaskRoute,
    spaceRoute.addChildren([
      dashboardRoute,
      machinesRoute,
      machineRoute,
      machineSettingsRoute,
      connectRoute,
      tasksRoute,
      consoleRoute,
      taskRoute,
      deploymentRoute,
      packagesRoute,
      unknownRoute,
    ]),
  ]),
])

/** `basePath` is the folder in which the portal lives, such as `/octopus/app`. */
export function createPortalRouter(basePath: string, context: RouterContext) {
  return createRouter({
    routeTree,
    basepath: basePath,
    context,
    scrollRestoration: true,
    defaultPendingMs: 300,
    defaultPendingComponent: WaitPage,
    defaultErrorComponent: FailurePage,
    defaultNotFoundComponent: NotFoundPage,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>
  }
}
