/** The parts of the quickstart that the whole-system stories use too. */
export { type AgentsOptions, agentsOf, type SampleAgent, startAgents } from './agents.ts'
export { ApiClient, ApiError, parseEvent, type Resource, type ServerSentEvent, textOf } from './api-client.ts'
export { demandSuccess, followTask } from './follow-task.ts'
export { type HomeFolder, openHome } from './home-folder.ts'
export { freePort, portalFiles, projectFolder, serverProgram, tentacle, tentacleProgram } from './programs.ts'
export { makePackage } from './sample-package.ts'
export { type SupervisedProcess, stopLeftOver, supervise } from './supervised-process.ts'
export { createTerminal, type Terminal } from './terminal.ts'
