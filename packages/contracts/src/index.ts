export {
  agentCapabilities,
  CapabilitiesResponseV2,
  CapabilitiesServiceV2,
  capabilitiesOfOldAgents,
  deployerCapability,
  hasCapability,
} from './capabilities-service.ts'
export { FileTransferService, UploadResult } from './file-transfer-service.ts'
export {
  DownloadPart,
  DownloadRequest,
  ResumableFileTransferService,
  ResumableUpload,
  UploadState,
  UploadStatus,
} from './resumable-file-transfer-service.ts'
export { describeExitCode, scriptExitCodes } from './script-exit-codes.ts'
export {
  CancelScriptCommand,
  CompleteScriptCommand,
  ScriptService,
  ScriptStatusRequest,
  ScriptStatusResponse,
  StartScriptCommand,
} from './script-service.ts'
export {
  CancelScriptCommandV2,
  CompleteScriptCommandV2,
  ScriptServiceV2,
  ScriptStatusRequestV2,
  ScriptStatusResponseV2,
  StartScriptCommandV2,
} from './script-service-v2.ts'
export { isSafeTicket, newScriptTicket, sameTicket } from './script-ticket.ts'
export {
  defaultMutexName,
  maximumMutexTimeoutMs,
  ProcessOutput,
  ProcessOutputSource,
  ProcessState,
  ScriptFile,
  ScriptIsolationLevel,
  ScriptTicket,
  ScriptType,
} from './script-types.ts'
export {
  isShuttingDown,
  isUnknownService,
  shuttingDownMessage,
  unknownServiceType,
} from './service-errors.ts'
