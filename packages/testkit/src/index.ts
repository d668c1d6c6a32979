export * from './archives.ts'
export { type Direction, directions, type Fault, type FaultPlan } from './faults/fault.ts'
export {
  type FaultProxy,
  type FaultProxyOptions,
  type LaneState,
  openFaultProxy,
  type ProxiedConnection,
} from './faults/fault-proxy.ts'
export { type TlsRecord, TlsRecordScanner } from './faults/tls-records.ts'
export {
  asObject,
  comparable,
  decodeDocument,
  encodeDocument,
  frameOf,
  isRequest,
  type Json,
  messageOf,
  type Tolerance,
} from './recordings/document.ts'
export {
  callListening,
  connectTo,
  QueuedCalls,
  recordedLimits,
  recordedSubscription,
} from './recordings/our-conversations.ts'
export { hostRecorded } from './recordings/our-service.ts'
export { type PlayOptions, playSide } from './recordings/player.ts'
export {
  bytesOf,
  type ControlEntry,
  contentOf,
  type Entry,
  type MessageEntry,
  type RecordingName,
  readRecording,
  type Side,
  type StreamEntry,
} from './recordings/recording.ts'
export { acceptTls, dialTls, type KeyPair, type TlsAcceptor } from './recordings/tls-pair.ts'
export { type ReceivedStream, WireSocket } from './recordings/wire-socket.ts'
export { startTestAgent, type TestAgent, type TestAgentOptions } from './test-agent.ts'
export { until } from './until.ts'
