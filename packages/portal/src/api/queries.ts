import { queryOptions } from '@tanstack/react-query'
import type { ApiClient } from './client.ts'
import { listEnvironments } from './environments.ts'
import {
  getMachine,
  getMachineConnection,
  getPolicyName,
  listMachines,
  listMachineTasks,
} from './machines.ts'
import { listPackages } from './packages.ts'
import { getReleases, listDeployments, listProjects } from './projects.ts'
import { getServerCertificate } from './server.ts'
import { getTask, getTasks, listTasks, type TaskFilter } from './tasks.ts'
import { getCurrentUser, listSpaces } from './users.ts'

/**
 * What the pages read, by name. The first part of a key says what kind of thing it is about, so that a live event
 * ("a task changed", "a machine changed") renews exactly the answers that may be out of date.
 */
export const queries = {
  me: (api: ApiClient) =>
    queryOptions({
      queryKey: ['me'],
      queryFn: ({ signal }) => getCurrentUser(api, signal),
      staleTime: 60_000,
    }),
  spaces: (api: ApiClient, userId: string) =>
    queryOptions({
      queryKey: ['spaces', userId],
      queryFn: ({ signal }) => listSpaces(api, userId, signal),
      staleTime: 60_000,
    }),
  certificate: (api: ApiClient) =>
    queryOptions({
      queryKey: ['certificate'],
      queryFn: ({ signal }) => getServerCertificate(api, signal),
      staleTime: 60_000,
    }),
  serverRoot: (api: ApiClient) => queryOptions({ queryKey: ['root'], queryFn: () => api.serverRoot() }),

  environments: (api: ApiClient, space: string) =>
    queryOptions({
      queryKey: ['environments', space],
      queryFn: ({ signal }) => listEnvironments(api, space, signal),
    }),

  machines: (api: ApiClient, space: string) =>
    queryOptions({
      queryKey: ['machines', space],
      queryFn: ({ signal }) => listMachines(api, space, signal),
    }),
  machine: (api: ApiClient, space: string, id: string) =>
    queryOptions({
      queryKey: ['machines', space, id],
      queryFn: ({ signal }) => getMachine(api, space, id, signal),
    }),
  machineConnection: (api: ApiClient, space: string, id: string) =>
    queryOptions({
      queryKey: ['machines', space, id, 'connection'],
      queryFn: ({ signal }) => getMachineConnection(api, space, id, signal),
    }),
  policyName: (api: ApiClient, space: string, id: string | undefined) =>
    queryOptions({
      queryKey: ['policies', space, id],
      queryFn: ({ signal }) => getPolicyName(api, space, id ?? '', signal),
      enabled: id !== undefined,
    }),
  machineTasks: (api: ApiClient, space: string, id: string) =>
    queryOptions({
      queryKey: ['tasks', space, 'of-machine', id],
      queryFn: ({ signal }) => listMachineTasks(api, space, id, signal),
    }),

  tasks: (api: ApiClient, space: string, filter: TaskFilter = {}) =>
    queryOptions({
      queryKey: ['tasks', space, filter],
      queryFn: ({ signal }) => listTasks(api, space, filter, signal),
    }),
  task: (api: ApiClient, id: string) =>
    queryOptions({ queryKey: ['tasks', 'one', id], queryFn: ({ signal }) => getTask(api, id, signal) }),
  tasksById: (api: ApiClient, ids: readonly string[]) =>
    queryOptions({
      queryKey: ['tasks', 'several', ids],
      queryFn: ({ signal }) => getTasks(api, ids, signal),
      enabled: ids.length > 0,
    }),

  projects: (api: ApiClient, space: string) =>
    queryOptions({
      queryKey: ['projects', space],
      queryFn: ({ signal }) => listProjects(api, space, signal),
    }),
  deployments: (api: ApiClient, space: string) =>
    queryOptions({
      queryKey: ['deployments', space],
      queryFn: ({ signal }) => listDeployments(api, space, 200, signal),
    }),
  releases: (api: ApiClient, space: string, ids: readonly string[]) =>
    queryOptions({
      queryKey: ['releases', space, ids],
      queryFn: ({ signal }) => getReleases(api, space, ids, signal),
      enabled: ids.length > 0,
    }),

  packages: (api: ApiClient, space: string, filter = '') =>
    queryOptions({
      queryKey: ['packages', space, filter],
      queryFn: ({ signal }) => listPackages(api, space, { filter }, signal),
    }),
}
