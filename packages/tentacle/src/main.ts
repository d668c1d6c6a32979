import { openMachine } from './cli/machine.ts'
import { runCli } from './cli/run-cli.ts'

async function main(): Promise<void> {
  // No other system loads what there is for Windows alone.
  const windows = process.platform === 'win32' ? (await import('./windows/windows.ts')).windows : undefined
  process.exitCode = await runCli(process.argv.slice(2), openMachine(process, windows))
}

// Not awaited here: what is built of this is a script, whose top level cannot wait, and starts faster for it.
void main()
