import process from 'node:process'
import { runDeployer } from './run-deployer.ts'

/** The deployer as a program of its own, as it is started on a machine whose agent does not bring one. */
const cancelling = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => cancelling.abort())

process.exitCode = await runDeployer(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: cancelling.signal,
})
