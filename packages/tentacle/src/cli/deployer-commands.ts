import type { Machine } from './machine.ts'

/** Commands that scripts call through `TentacleExecutablePath`: they belong to the deployer and have its grammar. */
const names: ReadonlySet<string> = new Set(['deploy-package', 'run-script', 'find-package'])

export function isDeployerCommand(typed: string | undefined): boolean {
  return typed !== undefined && names.has(typed)
}

/** Hands a whole command line to the deployer, which gives the exit code. */
export async function runDeployerCommand(argv: readonly string[], machine: Machine): Promise<number> {
  const { runDeployer } = await import('@tentacle/deployer')
  const stopped = new AbortController()
  const unsubscribe = machine.onStopSignal(signal => stopped.abort(new Error(`stopped by ${signal}`)))
  try {
    const { env, cwd } = machine
    return await runDeployer(argv, { ...machine.openStreams(), env, cwd, signal: stopped.signal })
  } finally {
    unsubscribe()
  }
}
