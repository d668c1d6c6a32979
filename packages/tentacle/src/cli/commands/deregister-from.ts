import { deregisterCommand } from './deregister-command.ts'

/** Deletes the deployment targets with this agent's thumbprint. */
export const deregisterFrom = deregisterCommand('target')
