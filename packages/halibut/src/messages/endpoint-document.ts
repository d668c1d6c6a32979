import { formatTimeSpan } from '../contract/time-span.ts'
import { BsonWriter, reservedBytes } from '../frame/bson-writer.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import { limitsFor, type ServiceEndPoint } from '../transport/endpoint.ts'

/**
 * The `endpoint` of a request: for information only, but old services insist on it. The same for every call, so it
 * is made once. A proxy is never told: it may have a password, and is no business of the other side.
 *
 * @param baseUri the normal form of the endpoint's address
 */
export function encodeEndpoint(endpoint: ServiceEndPoint, baseUri: string, limits: HalibutLimits): Buffer {
  const out = new BsonWriter()
  const inForce = limitsFor(endpoint, limits)
  out.string('PollingRequestQueueTimeout', formatTimeSpan(inForce.pollingRequestQueueTimeoutMs))
  out.string('RetryListeningSleepInterval', formatTimeSpan(inForce.retryListeningSleepIntervalMs))
  out.int32('RetryCountLimit', inForce.retryCountLimit)
  out.string('ConnectionErrorRetryTimeout', formatTimeSpan(inForce.connectionErrorRetryTimeoutMs))
  out.string('TcpClientConnectTimeout', formatTimeSpan(inForce.tcpClientConnectTimeoutMs))
  out.string('BaseUri', baseUri)
  if (endpoint.thumbprint === undefined) out.nothing('RemoteThumbprint')
  else out.string('RemoteThumbprint', endpoint.thumbprint)
  out.nothing('Proxy')
  if (endpoint.forceResolveHost === undefined) out.nothing('ForceResolveHost')
  else out.string('ForceResolveHost', endpoint.forceResolveHost)
  out.boolean('IsWebSocketEndpoint', false)
  return out.finish().subarray(reservedBytes)
}
