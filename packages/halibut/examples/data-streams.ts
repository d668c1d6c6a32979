/** Data streams: bytes beside a message, of any length, never whole in memory. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  host,
  method,
  types,
} from '@tentacle/halibut'

const Files = defineService('IFiles', {
  upload: method([types.text, types.dataStream], types.count),
  download: method([types.text], types.dataStream),
})
const folder = await mkdtemp(join(tmpdir(), 'halibut-example-'))

// #region service
const files = host(Files, {
  // The stream has arrived in full; saving it moves nothing half-written to its place.
  upload: async (name, stream) => {
    await stream.saveTo(join(folder, name))
    return stream.length
  },
  download: name => DataStream.fromFile(join(folder, name)),
})
// #endregion

const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [files],
})
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const remote = caller.client(Files, {
  baseUri: `https://127.0.0.1:${port}/`,
  thumbprint: service.certificate.thumbprint,
})

await writeFile(join(folder, 'original'), Buffer.alloc(3_000_000, 'halibut '))

// #region upload
let lastShown = 0
const upload = await DataStream.fromFile(join(folder, 'original'), {
  onProgress: (sent, total) => {
    const percent = Math.floor((sent / total) * 4) * 25
    if (percent > lastShown) console.log(`sent ${percent} %`)
    lastShown = percent
  },
})
console.log(`${await remote.upload('copy', upload)} bytes arrived`)
// #endregion

// #region producer
async function* numbers() {
  for (let i = 0; i < 1000; i++) yield Buffer.from(`${String(i).padStart(3, '0')}\n`)
}
await remote.upload('numbers', DataStream.from(4 * 1000, numbers))
// #endregion

// #region download
const download = await remote.download('numbers')
await download.saveTo(join(folder, 'downloaded'))
const text = await readFile(join(folder, 'downloaded'), 'utf8')
console.log(`The last line of ${text.length} characters is ${text.trim().split('\n').at(-1)}.`)
// #endregion

await Promise.all([caller.close(), service.close()])
await rm(folder, { recursive: true })

/* Prints:
sent 25 %
sent 50 %
sent 75 %
sent 100 %
3000000 bytes arrived
The last line of 4000 characters is 999.
*/
