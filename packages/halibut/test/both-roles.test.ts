import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ServiceEndPoint } from '../src/index.ts'
import { certificateFor, runtime, TestService, TestServiceControl } from './runtimes.ts'

/** A runtime that offers the test service, listens, and trusts the others. */
async function station(t: TestContext, name: string, trusted: readonly string[]) {
  const control = new TestServiceControl()
  const thumbprints = await Promise.all(trusted.map(async other => (await certificateFor(other)).thumbprint))
  const halibut = await runtime(t, name, { services: [control.hosted], trust: thumbprints })
  const { port } = await halibut.listen({ port: 0, host: '127.0.0.1' })
  const endpoint: ServiceEndPoint = {
    baseUri: `https://127.0.0.1:${port}`,
    thumbprint: halibut.certificate.thumbprint,
  }
  return { halibut, control, endpoint }
}

test('halibut 13.64: two runtimes listen, poll, call and serve at the same time', async t => {
  const one = await station(t, 'one', ['two'])
  const two = await station(t, 'two', ['one'])
  one.halibut.poll({ subscription: 'poll://one/', server: two.endpoint, connections: 2 })
  two.halibut.poll({ subscription: 'poll://two/', server: one.endpoint, connections: 2 })
  const calls = [
    one.halibut.client(TestService, two.endpoint),
    one.halibut.client(TestService, { baseUri: 'poll://two/' }),
    two.halibut.client(TestService, one.endpoint),
    two.halibut.client(TestService, { baseUri: 'poll://one/' }),
  ] as const

  // Each of the four directions has a call under way while all the others are used.
  const names = calls.map((_, index) => `held ${index}`)
  const held = calls.map((call, index) => call.wait(names[index] ?? ''))
  await Promise.all([
    ...[names[0], names[1]].map(name => two.control.arrived(name ?? '')),
    ...[names[2], names[3]].map(name => one.control.arrived(name ?? '')),
  ])
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => calls[i % 4]?.sayHello(`${i}`) ?? assert.fail()),
  )
  assert.deepEqual(
    answers,
    Array.from({ length: 100 }, (_, i) => `${i}...`),
  )
  for (const name of names) {
    one.control.release(name)
    two.control.release(name)
  }
  assert.deepEqual(await Promise.all(held), names)
  assert.equal(one.control.calls.length, 50)
  assert.equal(two.control.calls.length, 50)
})

test('halibut 13.64: a runtime can call and poll itself, and one that is both called and polled keeps the connections apart', async t => {
  const one = await station(t, 'one', ['one'])
  one.halibut.poll({ subscription: 'poll://self/', server: one.endpoint })
  const direct = one.halibut.client(TestService, one.endpoint)
  const polled = one.halibut.client(TestService, { baseUri: 'poll://self/' })
  for (let i = 0; i < 10; i++) {
    assert.equal(await direct.sayHello(`d${i}`), `d${i}...`)
    assert.equal(await polled.sayHello(`p${i}`), `p${i}...`)
  }
})
