import { formatTimeSpan } from '../contract/time-span.ts'
import { BsonWriter, reservedBytes } from '../frame/bson-writer.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { ServiceEndPoint } from '../transport/endpoint.ts'

/**
 * The `endpoint` of a request: for information only, but old services insist on it. The same for every call, so it
 * is made once. A proxy is never told: it may have a password, and is no business of the other side.
 *
 * @param baseUri the normal form of the endpoint's address
 */
export function encodeEndpoint(endpoint: ServiceEndPoint, baseUri: string, limits: HalibutLimits): Buffer {
  const out = new BsonWriter()
  const queueTimeoutMs = endpoint.pollingRequestQueueTimeoutMs ?? limits.pollingRequestQueueTimeoutMs
  const sleepMs = endpoint.retryListeningSleepIntervalMs ?? limits.retryListeningSleepIntervalMs
  const retryMs = endpoint.connectionErrorRetryTimeoutMs ?? limits.connectionErrorRetryTimeoutMs
  const connectMs = endpoint.connectTimeoutMs ?? limits.tcpClientConnectTimeoutMs
  out.string('PollingRequestQueueTimeout', formatTimeSpan(queueTimeoutMs))
  out.string('RetryListeningSleepInterval', formatTimeSpan(sleepMs))
  out.int32('RetryCountLimit', endpoint.retryCountLimit ?? limits.retryCountLimit)
  out.string('ConnectionErrorRetryTimeout', formatTimeSpan(retryMs))
  out.string('TcpClientConnectTimeout', formatTimeSpan(connectMs))
  out.string('BaseUri', baseUri)
  if (endpoint.thumbprint === undefined) out.nothing('RemoteThumbprint')
  else out.string('RemoteThumbprint', endpoint.thumbprint)
  out.nothing('Proxy')
  out.nothing('ForceResolveHost')
  out.boolean('IsWebSocketEndpoint', false)
  return out.finish().subarray(reservedBytes)
}
