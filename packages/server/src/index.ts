export type { Settings } from './config/settings.ts'
export { isServerError, ServerError, type ServerErrorCode } from './errors.ts'
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts'
