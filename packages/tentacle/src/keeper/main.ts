import { keepScripts } from './keeper.ts'
import { keeperFolder, keeperTitle } from './keeper-protocol.ts'

// The agent starts this program: `main.ts FOLDER WAITING_SHELLS`, with jobs on standard input and reports on
// standard output.
const [folder = '', waitingShells = '0'] = process.argv.slice(2)
process.title = keeperTitle
await keepScripts({
  jobs: process.stdin,
  reports: process.stdout,
  folder: keeperFolder(folder, process.pid),
  waitingShells: Number(waitingShells),
})
