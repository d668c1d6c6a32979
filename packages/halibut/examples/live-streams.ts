/** Live data streams: both ends read while the bytes arrive, and nothing is kept on disk. */
import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import {
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  host,
  method,
  types,
} from '@tentacle/halibut'

const Digests = defineService('IDigests', {
  sha256: method([types.dataStream], types.text),
  zeros: method([types.count], types.dataStream),
})

// #region service
const digests = host(
  Digests,
  {
    // Runs from the first byte on; as long as it does not read, the sender waits.
    sha256: async stream => {
      const hash = createHash('sha256')
      await pipeline(stream.read(), hash)
      return hash.digest('hex')
    },
    zeros: length => DataStream.from(length, () => zeros(length)),
  },
  { liveStreams: ['sha256'] },
)
// #endregion

async function* zeros(length: number) {
  const block = Buffer.alloc(64 * 1024)
  for (let left = length; left > 0; left -= block.length) yield block.subarray(0, left)
}

const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [digests],
})
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const remote = caller.client(Digests, {
  baseUri: `https://127.0.0.1:${port}/`,
  thumbprint: service.certificate.thumbprint,
})

const length = 8 * 1024 * 1024
console.log(await remote.sha256(DataStream.from(length, () => zeros(length))))

// #region caller
let seen = 0
await remote.zeros(length, {
  receiveStream: async stream => {
    for await (const part of stream.read()) seen += part.length
  },
})
console.log(`${seen} bytes came down`)
// #endregion

await Promise.all([caller.close(), service.close()])

/* Prints:
2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74
8388608 bytes came down
*/
