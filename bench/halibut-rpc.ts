/**
 * What the Halibut library does in a second, two processes over loopback, beside bare TLS with the same bytes in the
 * same run. One line of JSON for each measurement, a table at the end.
 *
 *   npm run bench -- halibut-rpc [--calls=5000] [--mib=256] [--connects=300] [--rounds=3]
 */
import { fileURLToPath } from 'node:url'
import { createCertificate, createHalibut } from '@tentacle/halibut'
import { serveBare } from './halibut/bare-tls.ts'
import { benchService } from './halibut/contract.ts'
import { type Measured, measureBare, measureOurs } from './halibut/measurements.ts'
import { OtherProcess, type ServeOrder, serveParent } from './halibut/other-process.ts'
import { option, printTable } from './report.ts'

async function open({ mode, own, other, port = 0 }: ServeOrder) {
  if (mode === 'bare') return serveBare(own)
  const halibut = createHalibut({
    certificate: own,
    trust: [other.thumbprint],
    services: [benchService()],
  })
  const close = () => halibut.close()
  if (mode === 'listening')
    return { port: (await halibut.listen({ port: 0, host: '127.0.0.1' })).port, close }
  const server = { baseUri: `https://127.0.0.1:${port}`, thumbprint: other.thumbprint }
  halibut.poll({ subscription: 'poll://bench/', server, connections: 32 })
  return { port: 0, close }
}

async function main(): Promise<void> {
  const measured: Measured = {
    calls: option('calls', 5000),
    mib: option('mib', 256),
    connects: option('connects', 300),
    rounds: option('rounds', 3),
  }
  const module = fileURLToPath(import.meta.url)
  const own = await createCertificate({ commonName: 'caller' })
  const other = await createCertificate({ commonName: 'service' })

  const bare = await OtherProcess.start(module, { mode: 'bare', own: other, other: own })
  await measureBare(bare, own, measured)
  await bare.stop()

  for (const mode of ['listening', 'polling'] as const) {
    const halibut = createHalibut({ certificate: own, trust: [other.thumbprint] })
    const listener = await halibut.listen({ port: 0, host: '127.0.0.1' })
    const process = await OtherProcess.start(module, { mode, own: other, other: own, port: listener.port })
    const baseUri = mode === 'listening' ? `https://127.0.0.1:${process.port}` : 'poll://bench/'
    await measureOurs(
      { mode, process, halibut, endpoint: { baseUri, thumbprint: other.thumbprint } },
      measured,
    )
    await halibut.close()
    await process.stop()
  }
  printTable()
}

if (process.send) serveParent(open)
else await main()
