import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ZipEntry, zipArchive } from '@tentacle/testkit'
import { Machine, type Run } from './deployer-runs.ts'

/** What every deployment of the tests has: an environment, and no noise. */
export const environment = {
  'Octopus.Environment.Name': 'Dev',
  'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
}

/** A machine with one package and a way to deploy it. */
export interface Setup {
  readonly machine: Machine
  readonly deploy: (variables?: Record<string, string>) => Promise<Run>
  /** The folder of the n-th installation. */
  readonly folder: (count?: number) => string
}

/** Puts a package with these entries on a machine of its own; `fixed` are variables of each of its deployments. */
export function setup(
  t: TestContext,
  entries: readonly ZipEntry[],
  fixed: Record<string, string> = {},
): Setup {
  const machine = new Machine(t)
  const file = machine.file('Acme.Web.1.2.3.zip', zipArchive(entries))
  return {
    machine,
    deploy: (variables = {}) =>
      machine.run(['deploy-package', '--package', file], {
        variables: { ...environment, ...fixed, ...variables },
      }),
    folder: (count = 0) =>
      join(machine.applications, 'Dev', 'Acme.Web', count === 0 ? '1.2.3' : `1.2.3_${count}`),
  }
}

/** The variable that switches features of a step on. */
export const features = (...names: string[]) => ({
  'Octopus.Action.EnabledFeatures': names.map(name => `Octopus.Features.${name}`).join(','),
})

/** What scripts of the tests said: lines that start with a mark. */
export const marks = (run: Run) => run.lines.flatMap(line => (line.startsWith('* ') ? [line.slice(2)] : []))
