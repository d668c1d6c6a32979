import { DataStream, HalibutError } from '@tentacle/halibut'
import type { Command, OptionValues, PeerIo } from '../cli/command.ts'
import { proxyOptions } from '../cli/option-values.ts'
import { usageError } from '../cli/peer-error.ts'
import {
  certificateOption,
  listeningOptions,
  openListening,
  openPolling,
  pollingOptions,
  type Remote,
} from '../client/remote.ts'
import {
  CountingService,
  EchoService,
  MultipleParametersService,
  ReturnSomeDataStreamService,
} from '../services/contracts.ts'
import { patternStream } from '../services/pattern.ts'

type Call = (remote: Remote, argument: string | undefined) => Promise<string>

/** The calls that the command line knows, by the name of the method in .NET. */
const calls: Readonly<Record<string, Call>> = {
  SayHello: (remote, argument = 'World') => remote.client(EchoService).sayHello(argument),
  Crash: crash,
  CountBytes: async (remote, argument = '1048576') =>
    String(await remote.client(EchoService).countBytes(streamOf(argument))),
  Add: add,
  SomeDataStream: async remote => {
    const stream = await remote.client(ReturnSomeDataStreamService).someDataStream()
    return (await stream.bytes()).toString('utf8')
  },
  Increment: async remote => String(await remote.client(CountingService).increment()),
}

/** The error is what the service is there for, so its message is the result. */
async function crash(remote: Remote): Promise<string> {
  try {
    return String(await remote.client(EchoService).crash())
  } catch (error) {
    const isThrownThere = error instanceof HalibutError && error.code === 'ERR_SERVICE_INVOCATION'
    if (isThrownThere && error.details.remoteMessage !== undefined) return error.details.remoteMessage
    throw error
  }
}

/** As many bytes as a number says, or the bytes of a text. */
function streamOf(argument: string): DataStream {
  return /^\d+$/.test(argument) ? patternStream(Number(argument)) : DataStream.fromText(argument)
}

/** Whole numbers go to the overload for `long`, others to the one for `double`. */
async function add(remote: Remote, argument = '1,2'): Promise<string> {
  const numbers = argument.split(/[,+;\s]+/).filter(part => part !== '')
  const [a, b] = numbers
  if (numbers.length !== 2 || a === undefined || b === undefined || numbers.some(part => !isNumber(part))) {
    throw usageError(`--arg of Add takes two numbers, such as 1,2, not '${argument}'.`)
  }
  const service = remote.client(MultipleParametersService)
  const isWhole = numbers.every(part => /^-?\d+$/.test(part))
  return String(
    isWhole ? await service.addLong(BigInt(a), BigInt(b)) : await service.addDouble(Number(a), Number(b)),
  )
}

function isNumber(text: string): boolean {
  return Number.isFinite(Number(text))
}

const callOptions = {
  ...certificateOption,
  call: { value: 'NAME', help: `one of ${Object.keys(calls).join(', ')}`, required: true },
  arg: {
    value: 'A',
    help: 'the argument: a name, two numbers for Add, a number of bytes or a text for CountBytes',
  },
} as const

async function runCall(
  options: OptionValues,
  io: PeerIo,
  connect: (options: OptionValues, io: PeerIo) => Promise<Remote>,
): Promise<number> {
  const name = options.get('call') ?? ''
  const call = Object.hasOwn(calls, name) ? calls[name] : undefined
  if (!call) throw usageError(`There is no call '${name}'. Take one of ${Object.keys(calls).join(', ')}.`)
  const remote = await connect(options, io)
  const closing = () => void remote.close().catch(() => {})
  io.signal.addEventListener('abort', closing, { once: true })
  try {
    io.out(await call(remote, options.get('arg')))
    return 0
  } finally {
    await remote.close()
  }
}

/** `call-listening`: one call to a peer that listens. */
export const callListening: Command = {
  name: 'call-listening',
  summary: 'Calls a listening peer and prints the result.',
  options: {
    addr: { ...listeningOptions.addr, required: true },
    thumb: { ...listeningOptions.thumb, required: true },
    ...proxyOptions,
    ...callOptions,
  },
  run: (options, io) => runCall(options, io, openListening),
}

/** `call-polling`: one call to a peer that polls. */
export const callPolling: Command = {
  name: 'call-polling',
  summary: 'Listens, waits for a polling peer, calls it and prints the result.',
  options: {
    listen: { ...pollingOptions.listen, required: true },
    trust: { ...pollingOptions.trust, required: true },
    subscription: { ...pollingOptions.subscription, required: true },
    websocket: pollingOptions.websocket,
    ...callOptions,
  },
  run: (options, io) => runCall(options, io, openPolling),
}
