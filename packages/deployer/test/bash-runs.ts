import type { TestContext } from 'node:test'
import { levels, Machine, type Run } from './deployer-runs.ts'

/** Runs the text as the script of a step. */
export async function runBash(
  t: TestContext,
  body: string,
  variables: Record<string, string | null> = {},
  machine = new Machine(t),
): Promise<Run> {
  return await machine.run(['run-script'], {
    variables: {
      'Octopus.Action.Script.ScriptBody': body,
      'Octopus.Action.Script.Syntax': 'Bash',
      'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
      ...variables,
    },
  })
}

/** What the script itself wrote at the default level. */
export function said(run: Run): string[] {
  return levels(run.stdout).flatMap(([level, line]) => (level === 'default' ? [line] : []))
}
