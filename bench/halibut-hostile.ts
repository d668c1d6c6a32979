/**
 * What hostile peers cost a listener: its memory before, at its peak and afterwards, each kind of attack against a
 * process of its own. One line of JSON for each.
 *
 *   npm run bench -- halibut-hostile [--connections=3000]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { type Certificate, createCertificate, createHalibut } from '@tentacle/halibut'
import { benchService } from './halibut/contract.ts'
import { option, printTable, report, rounded } from './report.ts'

const mib = 1024 * 1024

interface ServeOrder {
  readonly own: Certificate
  readonly other: Certificate
}

interface Memory {
  readonly now: number
  readonly peak: number
}

async function serve({ own, other }: ServeOrder): Promise<number> {
  const halibut = createHalibut({ certificate: own, trust: [other.thumbprint], services: [benchService()] })
  process.once('disconnect', () => void halibut.close())
  return (await halibut.listen({ port: 0, host: '127.0.0.1' })).port
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
  child.send('memory')
  const [memory] = (await once(child, 'message')) as [Memory]
  return memory
}

/** Hangs up whatever was opened. */
type HangUp = () => void

interface Attack {
  readonly work: string
  run(port: number, attacker: Certificate): Promise<HangUp>
}

const connections = option('connections', 3000)

async function silentTcp(port: number): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function secured(port: number, attacker?: Certificate): Promise<TLSSocket> {
  const own = attacker ? { cert: attacker.certificatePem, key: attacker.privateKeyPem } : {}
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own })
  socket.on('error', () => {})
  // Whoever is refused is closed instead.
  await new Promise<void>(resolve => {
    socket.once('secureConnect', resolve).once('close', () => resolve())
  })
  return socket
}

const hangUpAll = (sockets: readonly Socket[]) => () => {
  for (const socket of sockets) socket.destroy()
}

/** A trusted peer that sends one request, whatever it is. */
async function sendFrame(port: number, attacker: Certificate, frame: Buffer): Promise<HangUp> {
  const socket = await secured(port, attacker)
  socket.write('MX\r\n\r\n')
  socket.write('MX-CLIENT 1.0\r\n\r\n')
  await once(socket, 'data')
  socket.write(frame)
  if (!socket.closed) await once(socket, 'close')
  return () => {}
}

/** A document of zeros that says it has `bytes` bytes. */
function zeros(bytes: number): Buffer {
  const document = Buffer.alloc(bytes)
  document.writeInt32LE(bytes)
  return deflateRawSync(document, { level: 9 })
}

/** A document of an array with as many empty objects as fit. */
function emptyObjects(bytes: number): Buffer {
  // Type document, the name `0`, five bytes of document.
  const element = Buffer.from('033000' + '0500000000', 'hex')
  const count = Math.floor((bytes - 32) / element.length)
  const array = Buffer.concat([
    Buffer.alloc(4),
    ...Array.from({ length: count }, () => element),
    Buffer.alloc(1),
  ])
  array.writeInt32LE(array.length)
  const document = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from('\x04Message\0', 'latin1'),
    array,
    Buffer.alloc(1),
  ])
  document.writeInt32LE(document.length)
  return deflateRawSync(document, { level: 9 })
}

const attacks: readonly Attack[] = [
  {
    work: `${connections} connections that say nothing`,
    run: async port =>
      hangUpAll(await Promise.all(Array.from({ length: connections }, () => silentTcp(port)))),
  },
  {
    work: `${connections} connections that shake hands and then say nothing`,
    run: async port => {
      const sockets: Socket[] = []
      for (let i = 0; i < connections; i += 50)
        sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => secured(port)))))
      return hangUpAll(sockets)
    },
  },
  {
    work: 'trusted: 300 KiB that inflate to 300 MiB, over the limit',
    run: (port, attacker) => sendFrame(port, attacker, zeros(300 * mib)),
  },
  {
    work: 'trusted: 250 KiB that inflate to 250 MiB, within the limit',
    run: (port, attacker) => sendFrame(port, attacker, zeros(250 * mib)),
  },
  {
    work: 'trusted: a message of 20 million empty objects',
    run: (port, attacker) => sendFrame(port, attacker, emptyObjects(180 * mib)),
  },
]

async function measure({ work, run }: Attack, own: Certificate, attacker: Certificate): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: ['--expose-gc'] })
  child.send({ own, other: attacker } satisfies ServeOrder)
  const [port] = (await once(child, 'message')) as [number]
  const before = await memoryOf(child)
  const startedAt = performance.now()
  const hangUp = await run(port, attacker)
  const seconds = (performance.now() - startedAt) / 1000
  const under = await memoryOf(child)
  hangUp()
  const peak = rounded((under.peak - before.now) / mib, 0)
  const after = await memoryOf(child)
  report({
    work,
    mode: 'listener',
    seconds: rounded(seconds),
    before_mib: rounded(before.now / mib, 0),
    peak_more_mib: peak,
    after_mib: rounded(after.now / mib, 0),
    summary: `at most ${peak} MiB more`,
  })
  child.disconnect()
  await once(child, 'exit')
}

if (process.send) {
  process.on('message', (order: ServeOrder | 'memory') => {
    if (order === 'memory') {
      globalThis.gc?.()
      const peak = process.resourceUsage().maxRSS * 1024
      process.send?.({ now: process.memoryUsage.rss(), peak } satisfies Memory)
    } else void serve(order).then(port => process.send?.(port))
  })
} else {
  const own = await createCertificate({ commonName: 'listener' })
  const attacker = await createCertificate({ commonName: 'attacker' })
  for (const attack of attacks) await measure(attack, own, attacker)
  printTable()
}
