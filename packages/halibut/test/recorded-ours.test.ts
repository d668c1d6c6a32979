import { test } from 'node:test'
import {
  acceptTls,
  callListening,
  connectTo,
  dialTls,
  hostRecorded,
  playSide,
  QueuedCalls,
  readRecording,
  recordedLimits,
  recordedSubscription,
} from '@tentacle/testkit'
import { createCertificate, createHalibut, type Polling } from '../src/index.ts'

/*
 * One side of a recording of ours against the other side of today: a change of what goes over the wire shows here, and
 * so does one after which earlier versions are not understood (docs/wire/halibut.md).
 */

const ours = await createCertificate({ commonName: 'ours' })
const theirs = await createCertificate({ commonName: 'theirs' })
const [listening = []] = readRecording('ours-listening')
const [polling = []] = readRecording('ours-polling')
const tolerance = 'own'

for (const packetBytes of [1, 7, 65_536]) {
  test(`halibut 13.1: a client of ours, as recorded, gets the recorded answers, in packets of ${packetBytes} bytes`, async () => {
    const service = createHalibut({
      certificate: ours,
      services: [hostRecorded()],
      trust: [theirs.thumbprint],
    })
    try {
      const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
      await playSide('connector', listening, await dialTls(port, theirs), { packetBytes, tolerance })
    } finally {
      await service.close()
    }
  })

  test(`halibut 13.1: a listening service of ours, as recorded, gets the recorded requests, in packets of ${packetBytes} bytes`, async () => {
    const acceptor = await acceptTls(theirs)
    const client = createHalibut({ certificate: ours })
    const baseUri = `https://127.0.0.1:${acceptor.port}/`
    const calling = async () => {
      await callListening(connectTo(client, { baseUri, thumbprint: theirs.thumbprint }))
      await client.close()
    }
    const playing = async () =>
      playSide('acceptor', listening, await acceptor.accept(), { packetBytes, tolerance })
    try {
      await Promise.all([playing(), calling()])
    } finally {
      await client.close()
      await acceptor.close()
    }
  })

  test(`halibut 13.2: a polling service of ours, as recorded, gets the recorded requests and null requests, in packets of ${packetBytes} bytes`, async () => {
    const client = createHalibut({ certificate: ours, trust: [theirs.thumbprint], limits: recordedLimits })
    try {
      const { port } = await client.listen({ port: 0, host: '127.0.0.1' })
      const endpoint = { baseUri: recordedSubscription, thumbprint: theirs.thumbprint }
      const calls = new QueuedCalls(connectTo(client, endpoint))
      const socket = await dialTls(port, theirs)
      const onNothing = () => calls.next()
      await Promise.all([
        playSide('connector', polling, socket, { packetBytes, tolerance, onNothing }),
        calls.done,
      ])
    } finally {
      await client.close()
    }
  })

  test(`halibut 13.2: a client of ours that is polled, as recorded, gets the recorded answers, in packets of ${packetBytes} bytes`, async () => {
    const acceptor = await acceptTls(theirs)
    let started: Polling | undefined
    const service = createHalibut({
      certificate: ours,
      services: [hostRecorded(() => void started?.stop())],
    })
    try {
      const server = { baseUri: `https://127.0.0.1:${acceptor.port}/`, thumbprint: theirs.thumbprint }
      started = service.poll({ subscription: recordedSubscription, server })
      await playSide('acceptor', polling, await acceptor.accept(), { packetBytes, tolerance })
    } finally {
      await service.close()
      await acceptor.close()
    }
  })
}
