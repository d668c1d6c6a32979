import process from 'node:process'
import { openMachine } from './cli/machine.ts'
import { runCli } from './cli/run-cli.ts'

process.exitCode = await runCli(process.argv.slice(2), openMachine(process))
