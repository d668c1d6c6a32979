import { join } from 'node:path'
import { keepScripts } from './keeper.ts'
import { compileCacheName, keeperFolder, keeperTitle } from './keeper-protocol.ts'
import { spareThisProcess } from './oom-score.posix.ts'
import { PosixStarter } from './script-starter.posix.ts'
import { WindowsStarter } from './script-starter.windows.ts'

// The agent starts this program: `main.ts FOLDER WAITING_SHELLS`, with jobs on standard input and reports on
// standard output.
const [folder = '', waitingShells = '0'] = process.argv.slice(2)
process.title = keeperTitle
// Set for this program; scripts have what the agent has.
if (process.env.NODE_COMPILE_CACHE === join(folder, compileCacheName)) delete process.env.NODE_COMPILE_CACHE
// Not awaited, as in the agent's main.ts.
void keepScripts({
  jobs: process.stdin,
  reports: process.stdout,
  starter:
    process.platform === 'win32'
      ? new WindowsStarter()
      : new PosixStarter({
          folder: keeperFolder(folder, process.pid),
          waitingShells: Number(waitingShells),
          oomScore: spareThisProcess(),
        }),
})
