import { systemCode } from '../errors.ts'

/** See `ProcessTable.kill`. On Windows every signal ends the process. */
export function killProcess(
  pid: number,
  signal: 'SIGTERM' | 'SIGCONT' | 'SIGKILL',
): 'sent' | 'gone' | 'refused' {
  try {
    process.kill(pid, signal)
    return 'sent'
  } catch (error) {
    return systemCode(error) === 'ESRCH' ? 'gone' : 'refused'
  }
}
