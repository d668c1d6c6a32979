import { test } from 'node:test'
import { createCertificate, createHalibut } from '@tentacle/halibut'
import { acceptTls, dialTls, playSide, readRecording } from '@tentacle/testkit'
import { hostedServices } from '../src/services/implementations.ts'
import { callsOn } from './recorded-calls.ts'

const ours = await createCertificate({ commonName: 'ours' })
const theirs = await createCertificate({ commonName: 'theirs' })
const connections = readRecording('listening')

for (const packetBytes of [1, 2, 7, 64, 65_536]) {
  test(`halibut 13.1: a recorded .NET client is answered, in packets of ${packetBytes} bytes`, async () => {
    const service = createHalibut({
      certificate: ours,
      services: hostedServices(),
      trust: [theirs.thumbprint],
    })
    try {
      const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
      for (const entries of connections) {
        await playSide('connector', entries, await dialTls(port, theirs), { packetBytes })
      }
    } finally {
      await service.close()
    }
  })
}

test('halibut 13.1: a recorded .NET service is called: our requests are its client’s requests', async () => {
  const acceptor = await acceptTls(theirs)
  try {
    for (const [index, entries] of connections.entries()) {
      const client = createHalibut({ certificate: ours })
      const endpoint = { baseUri: `https://127.0.0.1:${acceptor.port}/`, thumbprint: theirs.thumbprint }
      const playing = acceptor.accept().then(socket => playSide('acceptor', entries, socket))
      const calling = (async () => {
        for (const call of callsOn(entries, index === 0))
          await call(contract => client.client(contract, endpoint))
        await client.close()
      })()
      try {
        await Promise.all([playing, calling])
      } finally {
        await client.close()
      }
    }
  } finally {
    await acceptor.close()
  }
})
