export {
  type Machine,
  type MachinePaths,
  openMachine,
  type Patience,
  type Program,
  systemPaths,
} from './cli/machine.ts'
export { runCli } from './cli/run-cli.ts'
export { compatibleVersion, informationalVersion } from './cli/version.ts'
export { TentacleError, type TentacleErrorCode, type TentacleErrorParts } from './errors.ts'
