import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type Codec,
  DataStream,
  defineService,
  HalibutError,
  type HalibutErrorCode,
  host,
  isNetworkError,
  isRetryable,
  method,
  types,
} from '../src/index.ts'
import { callTo, freePort, listenTcp } from './dead-ends.ts'
import { greetClient, listenRaw, nextRequest } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService } from './runtimes.ts'

/** The `error` of a response as a peer sends it. Undefined members are left out. */
interface SentError {
  readonly message: string
  readonly details?: string | null
  readonly type?: string | null
}

/** What a caller gets when a service answers with an error. */
async function answerWith(t: TestContext, sent: readonly SentError[]): Promise<HalibutError[]> {
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    await greetClient(peer)
    for (const { message, details, type } of sent) {
      const { id } = await nextRequest(peer)
      await peer.send(out => {
        const text = (name: string, value: string | null | undefined) => {
          if (value === null) out.nothing(name)
          else if (value !== undefined) out.string(name, value)
        }
        out.openDocument('Message')
        out.string('$type', 'Halibut.Transport.Protocol.ResponseMessage, Halibut')
        out.string('id', id)
        out.openDocument('error')
        text('message', message)
        text('details', details)
        text('HalibutErrorType', type)
        out.string('FromTheFuture', 'ignored')
        out.close()
        out.nothing('result')
        out.close()
      })
      await peer.lines('NEXT')
      peer.say('PROCEED\r\n')
    }
  })
  const call = await callTo(t, listener.port)
  const errors: HalibutError[] = []
  for (const _ of sent) {
    const thrown = await call.sayHello('a').catch((error: unknown) => error)
    assert.ok(thrown instanceof HalibutError)
    errors.push(thrown)
  }
  assert.equal(listener.connections, 1, 'an error response leaves the connection good')
  return errors
}

const invocation =
  'System.Reflection.TargetInvocationException: Exception has been thrown by the target of an invocation.'

/** Errors of peers of every age, and how they are known. */
const remoteErrors: readonly (readonly [HalibutErrorCode, SentError])[] = [
  [
    'ERR_SERVICE_INVOCATION',
    { message: 'no', details: `${invocation}\r\n ---> System.Exception: no`, type: null },
  ],
  // Before 5.0.464 there is no type.
  ['ERR_SERVICE_INVOCATION', { message: 'no', details: `${invocation} ---> System.Exception: no` }],
  ['ERR_SERVICE_NOT_FOUND', { message: 'Service not found: IOld', details: 'System.Exception: Service' }],
  ['ERR_METHOD_NOT_FOUND', { message: 'Service IOld::Go not found', details: null }],
  [
    'ERR_AMBIGUOUS_METHOD',
    { message: 'which?', details: 'System.Reflection.AmbiguousMatchException: which?' },
  ],
  ...(
    [
      ['ServiceNotFoundHalibutClientException', 'ERR_SERVICE_NOT_FOUND'],
      ['MethodNotFoundHalibutClientException', 'ERR_METHOD_NOT_FOUND'],
      ['NoMatchingServiceOrMethodHalibutClientException', 'ERR_METHOD_NOT_FOUND'],
      ['AmbiguousMethodMatchHalibutClientException', 'ERR_AMBIGUOUS_METHOD'],
      ['ServiceInvocationHalibutClientException', 'ERR_SERVICE_INVOCATION'],
      ['ConnectingRequestCancelledException', 'ERR_CANCELLED_CONNECTING'],
      ['TransferringRequestCancelledException', 'ERR_CANCELLED_TRANSFERRING'],
    ] as const
  ).map(
    ([name, code]) => [code, { message: 'm', details: 'd', type: `Halibut.Exceptions.${name}` }] as const,
  ),
  ['ERR_REMOTE', { message: 'm', details: 'd', type: 'Halibut.HalibutClientException' }],
  ['ERR_REMOTE', { message: 'm', details: 'd', type: 'Halibut.Exceptions.OfTheFuture' }],
  ['ERR_REMOTE', { message: 'm', details: '' }],
  ['ERR_REMOTE', { message: 'm', details: null, type: null }],
  ['ERR_REMOTE', { message: 'm' }],
]

test('halibut 13.8, 13.59, 13.60: errors of peers of every age are known, by type or by text, with members that nobody knows', async t => {
  const errors = await answerWith(
    t,
    remoteErrors.map(([, sent]) => sent),
  )
  for (const [index, [code, sent]] of remoteErrors.entries()) {
    const error = errors[index]
    assert.equal(error?.code, code, JSON.stringify(sent))
    assert.equal(error.details.remoteMessage, sent.message)
    assert.equal(error.details.remoteDetails, sent.details ?? undefined)
    assert.equal(error.details.remoteType, sent.type ?? undefined)
    assert.equal(isNetworkError(error), false)
  }
})

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.60: ${mode}: null where two overloads take it is ambiguous, and the connection stays good`, async t => {
    const Two = defineService('ITwoService', {
      goText: method([types.nullable(types.text)], types.text, { wireName: 'Go' }),
      goUri: method([types.nullable(types.uri)], types.text, { wireName: 'Go' }),
    })
    let opened = 0
    const { client, endpoint } = await pair(t, mode, {
      client: { observer: { connectionOpened: () => void opened++ } },
      service: { services: [host(Two, { goText: () => 'text', goUri: () => 'uri' })] },
    })
    const two = client.client(Two, endpoint)
    const error = await failure(two.goText(null), 'ERR_AMBIGUOUS_METHOD')
    assert.match(error.details.remoteMessage ?? '', /^More than one possible match for the requested service/)
    assert.equal(error.details.remoteType, 'Halibut.Exceptions.AmbiguousMethodMatchHalibutClientException')
    assert.equal(await two.goText('x'), 'text')
    assert.equal(opened, 1)
  })
}

test('an object that a method needs and that is null is an error of the call, and the connection stays good', async t => {
  const names = { dotnet: 'Test.Ticket, Test' }
  const ticket = types.record({ ...names, fields: { text: types.text } })
  const file = types.record({ dotnet: 'Test.File, Test', fields: { content: types.dataStream } })
  const command = <T, F>(one: Codec<T>, other: Codec<F>) =>
    types.record({ dotnet: 'Test.Command, Test', fields: { ticket: one, files: types.list(other) } })
  const service = (parameter: Codec<unknown>) =>
    defineService('INullService', { go: method([parameter], types.text) })
  const Needs = service(command(ticket, file))
  const Sends = service(command(types.nullable(ticket), types.nullable(file)))
  let opened = 0
  const { client, endpoint } = await pair(t, 'listening', {
    client: { observer: { connectionOpened: () => void opened++ } },
    service: { services: [host(Needs, { go: () => 'done' })] },
  })
  const call = client.client(Sends, endpoint)
  const files = [{ content: DataStream.fromText('follows the message') }]
  for (const bad of [
    { ticket: null, files },
    { ticket: { text: 'x' }, files: [...files, null] },
  ]) {
    const error = await failure(call.go(bad), 'ERR_SERVICE_INVOCATION')
    assert.match(error.details.remoteMessage ?? '', /^The message has null where /)
  }
  assert.equal(await call.go({ ticket: { text: 'x' }, files }), 'done')
  assert.equal(opened, 1)
})

/** Whether an error is one of the network, and whether the call may be repeated. */
const classes = (error: unknown) => [isNetworkError(error), isRetryable(error)]

test('halibut 13.61: errors on this side are classed by what a caller can do about them', async t => {
  const once = { retryCountLimit: 1, tcpClientReceiveTimeoutMs: 80 }
  const { call } = await pair(t, 'listening')
  assert.deepEqual(classes(await failure(call.crash(), 'ERR_SERVICE_INVOCATION')), [false, false])
  const away = await callTo(t, await freePort(), once)
  assert.deepEqual(classes(await failure(away.sayHello('a'), 'ERR_CONNECT')), [true, true])
  const mute = await callTo(t, await listenTcp(t, socket => void socket.resume()), once)
  assert.deepEqual(classes(await failure(mute.sayHello('a'), 'ERR_CONNECT')), [true, true])
  const silent = await listenRaw(t, await certificateFor('service'), () => {})
  const late = await failure((await callTo(t, silent.port, once)).sayHello('a'), 'ERR_TIMEOUT')
  assert.deepEqual(classes(late), [true, true])
  const impostor = await listenRaw(t, await certificateFor('impostor'), () => {})
  const wrong = await failure((await callTo(t, impostor.port, once)).sayHello('a'), 'ERR_UNTRUSTED_PEER')
  assert.deepEqual(classes(wrong), [false, false])
  const polling = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingRequestQueueTimeoutMs: 10 } },
  })
  const uncollected = await failure(polling.call.sayHello('a'), 'ERR_NOT_COLLECTED')
  assert.deepEqual(classes(uncollected), [false, true])
  const cancelled = polling.call.sayHello('a', { signal: AbortSignal.abort() })
  assert.deepEqual(classes(await failure(cancelled, 'ERR_CANCELLED_CONNECTING')), [false, false])
})

test('halibut 13.61: what is no error of this library is classed by its cause', () => {
  const lost = new HalibutError('ERR_CONNECTION_LOST', 'gone')
  assert.deepEqual(classes(new Error('the deployment failed', { cause: new Error('x', { cause: lost }) })), [
    true,
    true,
  ])
  for (const other of [new Error('x'), 'x', undefined, null, { code: 'ERR_CONNECT' }])
    assert.deepEqual(classes(other), [false, false])
  const none = new Error('its own cause')
  none.cause = none
  assert.deepEqual(classes(none), [false, false])
})

test('halibut 13.61: errors that come as text from a peer are classed by the words of .NET in it', async t => {
  const texts: readonly (readonly [boolean, SentError])[] = [
    [
      true,
      {
        message: 'Attempted to read past the end of the stream.',
        details: 'System.IO.EndOfStreamException: x',
      },
    ],
    [
      true,
      { message: 'm', details: 'x ---> System.Net.Sockets.SocketException (110): Connection timed out' },
    ],
    [true, { message: 'An existing connection was forcibly closed by the remote host.' }],
    [
      true,
      { message: 'Unable to read data from the transport connection: Operation timed out.', details: 'd' },
    ],
    [true, { message: 'm', details: 'Unable to write data to the transport connection: Broken pipe.' }],
    [
      false,
      { message: 'm', details: 'System.IO.FileNotFoundException: f ---> System.IO.EndOfStreamException' },
    ],
    [false, { message: 'The operation timed out', details: 'System.TimeoutException: x' }],
    // The service ran: whatever network it speaks of is not the one between us.
    [
      false,
      {
        message: 'System.IO.EndOfStreamException',
        details: `${invocation} ---> System.IO.EndOfStreamException`,
      },
    ],
    [false, { message: 'Service not found: System.IO.EndOfStreamException' }],
  ]
  const errors = await answerWith(
    t,
    texts.map(([, sent]) => sent),
  )
  for (const [index, [isNetwork, sent]] of texts.entries())
    assert.deepEqual(classes(errors[index]), [isNetwork, isNetwork], JSON.stringify(sent))
})

test('halibut 13.61: a proxy that refuses is no error of the network, one that is away is', async t => {
  const { thumbprint } = await certificateFor('service')
  const client = await runtime(t, 'client', { limits: { retryCountLimit: 1 } })
  const refusing = await listenTcp(t, socket => {
    socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  })
  const through = (port: number) =>
    client.client(TestService, { baseUri: 'https://x:1/', thumbprint, proxy: { host: '127.0.0.1', port } })
  const refused = await failure(through(refusing).sayHello('a'), 'ERR_CONNECT')
  assert.deepEqual(classes(refused), [false, false])
  assert.deepEqual(classes(await failure(through(await freePort()).sayHello('a'), 'ERR_CONNECT')), [
    true,
    true,
  ])
})

test('halibut 14.28: an error of a method has no type and the beginning that .NET knows; one of the protocol has its type', async t => {
  const { call, client, endpoint } = await pair(t, 'listening')
  const thrown = await failure(call.crash(), 'ERR_SERVICE_INVOCATION')
  assert.equal(thrown.details.remoteType, undefined)
  assert.ok(thrown.details.remoteDetails?.startsWith(invocation))
  const missing = client.client(defineService('ITestService', { missing: method([], 'void') }), endpoint)
  const unknown = await failure(missing.missing(), 'ERR_METHOD_NOT_FOUND')
  assert.equal(unknown.details.remoteType, 'Halibut.Exceptions.MethodNotFoundHalibutClientException')
  assert.equal(unknown.details.remoteMessage, 'Method ITestService::MissingAsync not found')
})
