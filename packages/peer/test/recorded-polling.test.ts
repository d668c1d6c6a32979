import { test } from 'node:test'
import { createCertificate, createHalibut } from '@tentacle/halibut'
import { acceptTls, dialTls, playSide, readRecording } from '@tentacle/testkit'
import { hostedServices } from '../src/services/implementations.ts'
import { callsOn } from './recorded-calls.ts'

const ours = await createCertificate({ commonName: 'ours' })
const theirs = await createCertificate({ commonName: 'theirs' })
const subscription = 'poll://harness-1/'
const [entries = []] = readRecording('polling')

test('halibut 13.2: a recorded .NET polling service is called through a queue', async () => {
  const client = createHalibut({ certificate: ours, trust: [theirs.thumbprint] })
  try {
    const { port } = await client.listen({ port: 0, host: '127.0.0.1' })
    const endpoint = { baseUri: subscription, thumbprint: theirs.thumbprint }
    const playing = playSide('connector', entries, await dialTls(port, theirs))
    const calling = (async () => {
      for (const call of callsOn(entries, true)) await call(contract => client.client(contract, endpoint))
    })()
    await Promise.all([playing, calling])
  } finally {
    await client.close()
  }
})

for (const packetBytes of [1, 2, 7, 64, 65_536]) {
  test(`halibut 13.2: a recorded .NET client that is polled gets its answers, in packets of ${packetBytes} bytes`, async () => {
    const acceptor = await acceptTls(theirs)
    const service = createHalibut({ certificate: ours, services: hostedServices() })
    try {
      const server = { baseUri: `https://127.0.0.1:${acceptor.port}/`, thumbprint: theirs.thumbprint }
      const polling = service.poll({ subscription, server })
      await playSide('acceptor', entries, await acceptor.accept(), { packetBytes })
      await polling.stop()
    } finally {
      await service.close()
      await acceptor.close()
    }
  })
}
