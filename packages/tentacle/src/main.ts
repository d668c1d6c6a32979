import { openMachine } from './cli/machine.ts'
import { runCli } from './cli/run-cli.ts'

// Not awaited here: what is built of this is a script, whose top level cannot wait, and starts faster for it.
runCli(process.argv.slice(2), openMachine(process)).then(code => {
  process.exitCode = code
})
