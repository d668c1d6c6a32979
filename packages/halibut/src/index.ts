export type { Guid } from './bytes/guid.ts'
export type { AnyCodec, Codec, ValueOf } from './contract/codec.ts'
export type { ValuesOf } from './contract/collections.ts'
export { DataStream, type SaveOptions, type SendOptions } from './contract/data-stream.ts'
export { packList, unpackList } from './contract/packed-list.ts'
export {
  type Field,
  type Fields,
  field,
  type RecordCodec,
  type RecordDescription,
  type RecordOf,
} from './contract/records.ts'
export {
  type CallContext,
  type CallOptions,
  defineService,
  type HostedService,
  type HostOptions,
  host,
  type Method,
  type MethodOptions,
  type Methods,
  method,
  type ServiceClient,
  type ServiceContract,
  type ServiceImplementation,
} from './contract/service-contract.ts'
export { types } from './contract/types.ts'
export {
  type ConnectionState,
  connectionState,
  HalibutError,
  type HalibutErrorCode,
  type HalibutErrorDetails,
  type HalibutErrorParts,
  isNetworkError,
  isRetryable,
} from './errors.ts'
export { createHalibut } from './runtime/create-halibut.ts'
export type {
  CallInfo,
  ConnectionInfo,
  ConnectionTraffic,
  FriendlyPage,
  Halibut,
  HalibutListener,
  HalibutLogEntry,
  HalibutObserver,
  HalibutOptions,
  Polling,
  PollingState,
  RefusalReason,
  Trust,
  UnauthorizedPeer,
} from './runtime/halibut.ts'
export { defaultLimits, type HalibutLimits, recommendedLimits } from './runtime/limits.ts'
export { type Certificate, type CertificateOptions, createCertificate } from './tls/certificate.ts'
export { readPfx, writePfx } from './tls/pfx.ts'
export { parseThumbprint, type Thumbprint, thumbprintOf } from './tls/thumbprint.ts'
export type { HttpProxy, ServiceEndPoint } from './transport/endpoint.ts'
