import {
  CapabilitiesServiceV2,
  capabilitiesOfOldAgents,
  deployerCapability,
  FileTransferService,
  hasCapability,
  isUnknownService,
  ResumableFileTransferService,
  type ResumableUpload,
  ScriptService,
  ScriptServiceV2,
  type ScriptStatusResponse,
  type ScriptStatusResponseV2,
  type StartScriptCommand,
  type StartScriptCommandV2,
  type UploadResult,
} from '@tentacle/contracts'
import {
  type CallOptions,
  type DataStream,
  type Halibut,
  HalibutError,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import type { AnyMachine } from '../model/machine.ts'
import type { CallMeter } from './call-metrics.ts'
import { callWithRetries, type RetryRules, type TentacleCall } from './rpc-retries.ts'
import { type FileInParts, sendInParts } from './send-in-parts.ts'

/** The services that a Tentacle says it has. */
export interface TentacleCapabilities {
  readonly names: readonly string[]
  /** The newest script service of it that this server speaks. */
  readonly scripts: 'V1' | 'V2'
  /** True when `"$TentacleExecutablePath" deploy-package` and `run-script` work there: it is one of ours. */
  readonly hasDeployer: boolean
  /** True when it can go on with an upload that was cut off. */
  readonly takesParts: boolean
}

/** One machine's Tentacle. Every call throws HalibutError. */
export interface Tentacle {
  readonly machine: AnyMachine
  /** Remembered for ten minutes. */
  capabilities(call: TentacleCall): Promise<TentacleCapabilities>
  /** Asks now, whatever is remembered: proves that the Tentacle is there. */
  checkConnection(call: TentacleCall): Promise<TentacleCapabilities>
  /** Repeated when the network fails: the ticket makes it safe. */
  startScript(command: StartScriptCommandV2, call: TentacleCall): Promise<ScriptStatusResponseV2>
  getStatus(ticket: string, lastLogSequence: number, call: TentacleCall): Promise<ScriptStatusResponseV2>
  cancelScript(ticket: string, lastLogSequence: number, call: TentacleCall): Promise<ScriptStatusResponseV2>
  /** Once, without repetition: the Tentacle cleans up by itself later. */
  completeScript(ticket: string, call: TentacleCall): Promise<void>
  /** The calls of old Tentacles. None of them is repeated: starting twice would run twice. */
  readonly v1: {
    startScript(command: StartScriptCommand, call: TentacleCall): Promise<string>
    getStatus(ticket: string, lastLogSequence: number, call: TentacleCall): Promise<ScriptStatusResponse>
    cancelScript(ticket: string, lastLogSequence: number, call: TentacleCall): Promise<ScriptStatusResponse>
    completeScript(ticket: string, lastLogSequence: number, call: TentacleCall): Promise<ScriptStatusResponse>
  }
  /** Repeated when the network fails; `stream` is read anew each time. */
  uploadFile(remotePath: string, stream: DataStream, call: TentacleCall): Promise<UploadResult>
  /**
   * For Tentacles that take parts: goes on after each break, and with what an earlier process has sent. Throws ServerError
   * `ERR_CONFLICT` when other content arrives than the file should have.
   */
  sendInParts(file: FileInParts, call: TentacleCall, onSent: (bytes: number) => void): Promise<UploadResult>
  /** Measures several calls as one: those that are given the operation belong to it. */
  readonly operation: CallMeter['operation']
}

/** What a client of one machine is made of. */
export interface TentacleParts {
  readonly halibut: Halibut
  readonly machine: AnyMachine
  readonly endpoint: ServiceEndPoint
  readonly retries: RetryRules
  readonly capabilities: CapabilityCache
  readonly meter: CallMeter
}

/** What Tentacles said about themselves lately. */
export interface CapabilityCache {
  get(endpoint: ServiceEndPoint): TentacleCapabilities | undefined
  set(endpoint: ServiceEndPoint, capabilities: TentacleCapabilities): void
}

const capabilitiesLifetimeMs = 600_000

/** Makes an empty cache. Entries of machines that are gone leave with the first look after ten minutes. */
export function createCapabilityCache(nowMs: () => number = () => performance.now()): CapabilityCache {
  const known = new Map<string, { readonly until: number; readonly capabilities: TentacleCapabilities }>()
  const keyOf = ({ baseUri, thumbprint }: ServiceEndPoint): string => `${baseUri} ${thumbprint}`
  return {
    get(endpoint) {
      for (const [key, { until }] of known) if (until <= nowMs()) known.delete(key)
      return known.get(keyOf(endpoint))?.capabilities
    },
    set(endpoint, capabilities) {
      known.set(keyOf(endpoint), { until: nowMs() + capabilitiesLifetimeMs, capabilities })
    },
  }
}

function parseCapabilities(names: readonly string[]): TentacleCapabilities {
  const response = { supportedCapabilities: [...names] }
  return {
    names,
    scripts: hasCapability(response, ScriptServiceV2.wireName) ? 'V2' : 'V1',
    hasDeployer: hasCapability(response, deployerCapability),
    takesParts: hasCapability(response, ResumableFileTransferService.wireName),
  }
}

/** Tentacles from before there were capabilities do not know the service; some frameworks said so for the method. */
function lacksCapabilities(error: unknown): boolean {
  if (isUnknownService(error)) return true
  return (
    error instanceof HalibutError && ['ERR_METHOD_NOT_FOUND', 'ERR_AMBIGUOUS_METHOD'].includes(error.code)
  )
}

/** Makes the client of one machine. */
export function createTentacle({
  halibut,
  machine,
  endpoint,
  retries,
  capabilities,
  meter,
}: TentacleParts): Tentacle {
  const scriptsV1 = halibut.client(ScriptService, endpoint)
  const scriptsV2 = halibut.client(ScriptServiceV2, endpoint)
  const abilities = halibut.client(CapabilitiesServiceV2, endpoint)
  const files = halibut.client(FileTransferService, endpoint)
  const parts = halibut.client(ResumableFileTransferService, endpoint)

  function repeat<T>(
    { wireName: service }: Named,
    method: string,
    call: TentacleCall,
    run: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const rules = call.retries ?? retries
    const { signal, operation } = call
    return meter.call(
      { service, method, signal, operation, retryDurationMs: rules.enabled ? rules.durationMs : undefined },
      attempt => callWithRetries(method, options => attempt(() => run(options)), rules, call),
    )
  }

  function once<T>(
    { wireName: service }: Named,
    method: string,
    { signal, operation }: TentacleCall,
    run: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    return meter.call({ service, method, signal, operation, retryDurationMs: undefined }, attempt =>
      attempt(() => run({ signal })),
    )
  }

  async function checkConnection(call: TentacleCall): Promise<TentacleCapabilities> {
    let names: readonly string[]
    try {
      const answer = await repeat(CapabilitiesServiceV2, 'GetCapabilities', call, options =>
        abilities.getCapabilities(options),
      )
      names = answer.supportedCapabilities
    } catch (error) {
      if (!lacksCapabilities(error)) throw error
      names = capabilitiesOfOldAgents
    }
    const found = parseCapabilities(names)
    capabilities.set(endpoint, found)
    return found
  }

  return {
    machine,
    operation: meter.operation,
    async capabilities(call) {
      return capabilities.get(endpoint) ?? (await checkConnection(call))
    },
    checkConnection,
    startScript: (command, call) =>
      repeat(ScriptServiceV2, 'StartScript', call, options => scriptsV2.startScript(command, options)),
    getStatus: (ticket, lastLogSequence, call) =>
      repeat(ScriptServiceV2, 'GetStatus', call, options =>
        scriptsV2.getStatus({ ticket: { taskId: ticket }, lastLogSequence }, options),
      ),
    cancelScript: (ticket, lastLogSequence, call) =>
      repeat(ScriptServiceV2, 'CancelScript', call, options =>
        scriptsV2.cancelScript({ ticket: { taskId: ticket }, lastLogSequence }, options),
      ),
    completeScript: (ticket, call) =>
      once(ScriptServiceV2, 'CompleteScript', call, options =>
        scriptsV2.completeScript({ ticket: { taskId: ticket } }, options),
      ),
    v1: {
      startScript: (command, call) =>
        once(
          ScriptService,
          'StartScript',
          call,
          async options => (await scriptsV1.startScript(command, options)).taskId,
        ),
      getStatus: (ticket, lastLogSequence, call) =>
        once(ScriptService, 'GetStatus', call, options =>
          scriptsV1.getStatus({ ticket: { taskId: ticket }, lastLogSequence }, options),
        ),
      cancelScript: (ticket, lastLogSequence, call) =>
        once(ScriptService, 'CancelScript', call, options =>
          scriptsV1.cancelScript({ ticket: { taskId: ticket }, lastLogSequence }, options),
        ),
      completeScript: (ticket, lastLogSequence, call) =>
        once(ScriptService, 'CompleteScript', call, options =>
          scriptsV1.completeScript({ ticket: { taskId: ticket }, lastLogSequence }, options),
        ),
    },
    uploadFile: (remotePath, stream, call) =>
      meter.operation('UploadFile', call.signal, operation =>
        repeat(FileTransferService, 'UploadFile', { ...call, operation }, options =>
          files.uploadFile(remotePath, stream, options),
        ),
      ),
    sendInParts: (file, call, onSent) =>
      meter.operation('UploadFile', call.signal, operation => {
        const service = ResumableFileTransferService
        const measured = { ...call, operation }
        const calls = {
          start: (upload: ResumableUpload) =>
            repeat(service, 'StartUpload', measured, options => parts.startUpload(upload, options)),
          part: (upload: ResumableUpload, offset: number, part: DataStream) =>
            once(service, 'UploadPart', measured, options => parts.uploadPart(upload, offset, part, options)),
        }
        return sendInParts(file, calls, { rules: call.retries ?? retries, call, onSent })
      }),
  }
}

/** A contract, as far as a measured call needs it. */
interface Named {
  readonly wireName: string
}
