/**
 * The time limits and sizes of a runtime. The names and defaults are those of the .NET library, whose peers rely on
 * them (docs/wire/halibut.md, "Limits"); the last group is ours. All times are milliseconds.
 */
export interface HalibutLimits {
  /** How long a call waits for a polling service to collect it. Default 2 min. */
  readonly pollingRequestQueueTimeoutMs: number
  /** The pause between two attempts to reach a listening service. Default 1 s. */
  readonly retryListeningSleepIntervalMs: number
  /** How many attempts are made in total. Default 5. */
  readonly retryCountLimit: number
  /** No attempt is started later than this after the first. Default 5 min. */
  readonly connectionErrorRetryTimeoutMs: number
  /** How long one write may take. Default 10 min, recommended 1 min. */
  readonly tcpClientSendTimeoutMs: number
  /** How long one read may wait. Default 10 min, recommended 1 min. */
  readonly tcpClientReceiveTimeoutMs: number
  /** How long a caller waits for the first byte of a response: the longest that a method may run. Default 10 min, recommended 5 min. */
  readonly tcpClientReceiveResponseTimeoutMs: number
  /** How long a polling service waits for a request or the news that there is none. Default 10 min, recommended 1 min. */
  readonly tcpClientReceiveRequestTimeoutForPollingMs: number
  /** How long an unused connection to a listening service is kept for the next call. Default 9 min. */
  readonly tcpClientPooledConnectionTimeoutMs: number
  /** How long a listening service waits for the first byte of a request. Default 10 min. */
  readonly tcpListeningNextRequestIdleTimeoutMs: number
  /** How long writing `NEXT` may take. Default 1 min. */
  readonly tcpClientHeartbeatSendTimeoutMs: number
  /** How long to wait for `PROCEED`. Default 1 min. */
  readonly tcpClientHeartbeatReceiveTimeoutMs: number
  /** Whether the heartbeat limits bind the listening side of a connection as well. Default false, recommended true. */
  readonly tcpClientHeartbeatTimeoutShouldActuallyBeUsed: boolean
  /** How long connecting may take, without TLS. Default 1 min. */
  readonly tcpClientConnectTimeoutMs: number
  /** How often a polling service without work hears that there is none. Default 30 s. */
  readonly pollingQueueWaitTimeoutMs: number
  /** Whether the system probes silent connections, so that dead ones are noticed. Default true. */
  readonly tcpKeepAliveEnabled: boolean
  /** How long a connection is silent before the system probes it. Default 15 s. */
  readonly tcpKeepAliveTimeMs: number
  /** The time between two probes of a silent connection. Default 5 s. */
  readonly tcpKeepAliveIntervalMs: number
  /** How many probes without an answer end a connection. Default 10. */
  readonly tcpKeepAliveRetryCount: number
  /** The most connections that may poll one subscription at the same time; null: any number. Default null. */
  readonly maximumActiveTcpConnectionsPerPollingSubscription: number | null

  /** How long an incoming connection has for TLS, preamble and identity together. Default 1 min. */
  readonly identificationTimeoutMs: number
  /** The most bytes that are read from an incoming connection before it is trusted. Default 20,000. */
  readonly maximumPreambleBytes: number
  /** The largest message after decompression, in bytes. Data streams do not count. Default 256 MiB. */
  readonly maxMessageBytes: number
  /** How deep documents and arrays of a message may stand in each other. Default 64, as with .NET. */
  readonly maximumNestingDepth: number
  /**
   * The most values in one message, in all its objects and arrays together. Default 2,000,000: they take up to 600 MiB
   * of memory, from a message of a few dozen kilobytes on the wire.
   */
  readonly maximumValuesPerMessage: number
  /** The most data streams of one message. Default 10,000. */
  readonly maximumDataStreamsPerMessage: number
  /** The largest data stream, in bytes. Default 1 TiB. */
  readonly maximumDataStreamBytes: number
  /** The most bytes of received data streams that wait in temporary files at the same time. Default 1 TiB. */
  readonly maximumTemporaryBytes: number
  /** The most incoming connections at the same time. Default 20,000. */
  readonly maximumIncomingConnections: number
  /**
   * The most incoming connections from one address that have not yet shown a trusted certificate. Default 2,500:
   * a proxy in front of thousands of services is one address, and they all come back at once after a restart.
   */
  readonly maximumUnidentifiedConnectionsPerAddress: number
  /** How many unused connections to one listening service are kept. Default 5. */
  readonly idleConnectionsPerEndpoint: number
  /** The most requests that may wait for one subscription. Default 10,000. */
  readonly maximumQueuedRequestsPerSubscription: number
  /** The shortest pause of a polling service between two connections. Default 5 s. */
  readonly pollingReconnectMinimumMs: number
  /** The longest pause of a polling service, whose pauses grow while the server is away. Default 2 min. */
  readonly pollingReconnectMaximumMs: number
}

const second = 1000
const minute = 60 * second

/** What the .NET library does when nobody chooses. */
export const defaultLimits: HalibutLimits = {
  pollingRequestQueueTimeoutMs: 2 * minute,
  retryListeningSleepIntervalMs: second,
  retryCountLimit: 5,
  connectionErrorRetryTimeoutMs: 5 * minute,
  tcpClientSendTimeoutMs: 10 * minute,
  tcpClientReceiveTimeoutMs: 10 * minute,
  tcpClientReceiveResponseTimeoutMs: 10 * minute,
  tcpClientReceiveRequestTimeoutForPollingMs: 10 * minute,
  tcpClientPooledConnectionTimeoutMs: 9 * minute,
  tcpListeningNextRequestIdleTimeoutMs: 10 * minute,
  tcpClientHeartbeatSendTimeoutMs: minute,
  tcpClientHeartbeatReceiveTimeoutMs: minute,
  tcpClientHeartbeatTimeoutShouldActuallyBeUsed: false,
  tcpClientConnectTimeoutMs: minute,
  pollingQueueWaitTimeoutMs: 30 * second,
  tcpKeepAliveEnabled: true,
  tcpKeepAliveTimeMs: 15 * second,
  tcpKeepAliveIntervalMs: 5 * second,
  tcpKeepAliveRetryCount: 10,
  maximumActiveTcpConnectionsPerPollingSubscription: null,
  identificationTimeoutMs: minute,
  maximumPreambleBytes: 20_000,
  maxMessageBytes: 256 * 1024 * 1024,
  maximumNestingDepth: 64,
  maximumValuesPerMessage: 2_000_000,
  maximumDataStreamsPerMessage: 10_000,
  maximumDataStreamBytes: 2 ** 40,
  maximumTemporaryBytes: 2 ** 40,
  maximumIncomingConnections: 20_000,
  maximumUnidentifiedConnectionsPerAddress: 2500,
  idleConnectionsPerEndpoint: 5,
  maximumQueuedRequestsPerSubscription: 10_000,
  pollingReconnectMinimumMs: 5 * second,
  pollingReconnectMaximumMs: 2 * minute,
}

/** What the .NET library recommends and its Tentacle uses: dead connections are noticed within a minute. */
export const recommendedLimits: HalibutLimits = {
  ...defaultLimits,
  tcpClientSendTimeoutMs: minute,
  tcpClientReceiveTimeoutMs: minute,
  tcpClientReceiveResponseTimeoutMs: 5 * minute,
  tcpClientReceiveRequestTimeoutForPollingMs: minute,
  tcpClientHeartbeatTimeoutShouldActuallyBeUsed: true,
}
