/** Polling by WebSocket, and calling through an HTTP proxy: two ways out of a network that lets nothing else out. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createCertificate, createHalibut, defineService, host, method, types } from '@tentacle/halibut'

// The smallest proxy that makes tunnels.
const proxyServer = createServer().on('connect', ({ url = '' }, socket) => {
  const { hostname, port } = new URL(`http://${url}`)
  const far = connect(Number(port), hostname, () => {
    console.log('proxy: a tunnel is open')
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    socket.pipe(far).pipe(socket)
  })
  far.on('error', () => socket.destroy())
  socket.on('error', () => far.destroy())
})
await once(proxyServer.listen(0, '127.0.0.1'), 'listening')
const proxy = { host: '127.0.0.1', port: (proxyServer.address() as AddressInfo).port }

const Greeter = defineService('IGreeter', { greet: method([types.text], types.text) })
const server = createHalibut({ certificate: await createCertificate({ commonName: 'server' }) })
const branch = createHalibut({
  certificate: await createCertificate({ commonName: 'branch' }),
  services: [host(Greeter, { greet: name => `The branch greets the ${name}.` })],
})
server.trust.add(branch.certificate.thumbprint)
branch.trust.add(server.certificate.thumbprint)

// #region websocket
const listener = await server.listen({ port: 0, host: '127.0.0.1', webSocketPath: '/HalibutWebSocket' })
const polling = branch.poll({
  subscription: 'poll://branch/',
  server: {
    baseUri: `wss://127.0.0.1:${listener.port}/HalibutWebSocket`,
    thumbprint: server.certificate.thumbprint,
  },
})
// #endregion
console.log(await server.client(Greeter, { baseUri: 'poll://branch/' }).greet('server'))
await polling.stop()

// #region proxy
const { port } = await branch.listen({ port: 0, host: '127.0.0.1' })
const greeter = server.client(Greeter, {
  baseUri: `https://127.0.0.1:${port}/`,
  thumbprint: branch.certificate.thumbprint,
  proxy, // { host, port, userName?, password? }
})
// #endregion
console.log(await greeter.greet('proxy'))

await Promise.all([server.close(), branch.close()])
proxyServer.close()

/* Prints:
The branch greets the server.
proxy: a tunnel is open
The branch greets the proxy.
*/
