import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createHalibut } from '../src/index.ts'
import { certificateFor, failure, pair, runtime, TestService } from './runtimes.ts'

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.65: ${mode}: closing the caller cancels its calls at once`, async t => {
    const { call, client, control } = await pair(t, mode)
    const calling = failure(call.wait('a'), 'ERR_CLOSED')
    await control.arrived('a')
    await client.close()
    await calling
    control.release('a')
    await failure(call.sayHello('b'), 'ERR_CLOSED')
  })

  test(`halibut 13.65: ${mode}: closing the service cuts calls that run`, async t => {
    const { call, service, control } = await pair(t, mode)
    const calling = failure(call.wait('a'), 'ERR_CONNECTION_LOST')
    await control.arrived('a')
    const closing = service.close()
    await calling
    control.release('a')
    await closing
    assert.equal(control.waiting.get('a')?.signal.aborted, true)
  })

  test(`${mode}: closing with a grace lets calls end, and begins no new ones`, async t => {
    const { call, service, control } = await pair(t, mode)
    const calling = call.wait('a')
    await control.arrived('a')
    const closing = service.close({ graceMs: 60_000 })
    control.release('a')
    assert.equal(await calling, 'a')
    await closing
  })
}

test('halibut 13.65: a method that never returns does not keep a closing runtime', async t => {
  for (const mode of ['listening', 'polling'] as const) {
    const { call, service, control } = await pair(t, mode)
    const calling = failure(call.wait('forever'), 'ERR_CONNECTION_LOST')
    await control.arrived('forever')
    await service.close()
    await calling
  }
})

test('halibut 13.65: closing while clients are in the middle of connecting does not hang', async t => {
  const { port, service } = await pair(t, 'listening')
  const sockets = Array.from({ length: 5 }, () =>
    connectTcp(port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  )
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  await service.close()
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close')
})

test('a listener can be closed alone, and its port is free again', async t => {
  const { service, client } = await pair(t, 'listening')
  const listener = await service.listen({ port: 0, host: '127.0.0.1' })
  const call = client.client(TestService, {
    baseUri: `https://127.0.0.1:${listener.port}`,
    thumbprint: service.certificate.thumbprint,
  })
  assert.equal(await call.sayHello('a'), 'a...')
  await listener.close()
  await listener.close()
  const again = await service.listen({ port: listener.port, host: '127.0.0.1' })
  assert.equal(await call.sayHello('b'), 'b...')
  await again.close()
})

test('closing twice, and a runtime that never opened anything, is fine; nothing can be begun afterwards', async t => {
  const halibut = createHalibut({ certificate: await certificateFor('client') })
  await Promise.all([halibut.close(), halibut.close()])
  await failure(halibut.listen({ port: 0 }), 'ERR_CLOSED')
  const server = { baseUri: 'https://127.0.0.1:1', thumbprint: halibut.certificate.thumbprint }
  assert.throws(() => halibut.poll({ subscription: 'poll://x/', server }), { code: 'ERR_CLOSED' })
  const other = await runtime(t, 'client')
  await other.close({ graceMs: 10 })
})

test('a program that closed its runtimes ends by itself: nothing is left open', async () => {
  const program = `
    import { createCertificate, createHalibut, DataStream, defineService, host, method, types } from ${JSON.stringify(import.meta.resolve('../src/index.ts'))}
    const certificate = await createCertificate({ commonName: 'both' })
    const Service = defineService('IService', { echo: method([types.dataStream], types.dataStream) })
    const options = { certificate, trust: [certificate.thumbprint], services: [host(Service, { echo: stream => stream })] }
    const one = createHalibut(options)
    const two = createHalibut(options)
    const { port } = await one.listen({ port: 0, host: '127.0.0.1' })
    const server = { baseUri: 'https://127.0.0.1:' + port, thumbprint: certificate.thumbprint }
    two.poll({ subscription: 'poll://two/', server, connections: 3 })
    two.poll({ subscription: 'poll://nobody/', server: { ...server, baseUri: 'https://127.0.0.1:1' } })
    const upload = DataStream.fromBytes(Buffer.alloc(1_000_000))
    await two.client(Service, server).echo(upload)
    await one.client(Service, { baseUri: 'poll://two/' }).echo(upload)
    const unanswered = one.client(Service, { baseUri: 'poll://nobody/' }).echo(upload).catch(error => error.code)
    await Promise.all([one.close(), two.close()])
    await new Promise(setImmediate) // The request that ended last is still counted in its own callback.
    process.stdout.write(JSON.stringify([await unanswered, process.getActiveResourcesInfo().filter(name => name !== 'PipeWrap')]))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 30_000,
  })
  assert.deepEqual(JSON.parse(stdout), ['ERR_CLOSED', []])
})

test('streams that nobody used are deleted when the runtime closes', async t => {
  const { call, client } = await pair(t, 'listening')
  const stream = await call.makeStream(1_000_000)
  await client.close()
  await assert.rejects(stream.bytes(), { code: 'ENOENT' })
})

test('halibut 13.65: closing ends a discovery that waits for its listener, and refuses new ones', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = await runtime(t, 'client')
  const discovering = failure(client.discover(address), 'ERR_CONNECT')
  const [socket] = await once(server, 'connection')
  t.after(() => socket.destroy())
  await client.close()
  await discovering
  await failure(client.discover(address), 'ERR_CLOSED')
})
