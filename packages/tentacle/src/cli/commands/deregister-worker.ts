import { deregisterCommand } from './deregister-command.ts'

/** Deletes the workers with this agent's thumbprint. */
export const deregisterWorker = deregisterCommand('worker')
