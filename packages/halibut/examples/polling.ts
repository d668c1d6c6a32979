/** A service behind a firewall polls a server for its work. The server says which certificate may poll for what. */
import { createCertificate, createHalibut, defineService, host, method, types } from '@tentacle/halibut'

const Greeter = defineService('IGreeter', { greet: method([types.text], types.text) })
const serverCertificate = await createCertificate({ commonName: 'server' })
const branchCertificate = await createCertificate({ commonName: 'branch' })
const strangerCertificate = await createCertificate({ commonName: 'stranger' })
const refused = Promise.withResolvers<string>()

// #region server
const owners = new Map([['poll://branch/', branchCertificate.thumbprint]])

const server = createHalibut({
  certificate: serverCertificate,
  trust: [branchCertificate.thumbprint, strangerCertificate.thumbprint],
  // Every trusted certificate may poll for everything, unless this says otherwise.
  authorizeSubscription: (subscription, thumbprint) => owners.get(subscription) === thumbprint,
  log: ({ level, endpoint }) => {
    if (level === 'warn') refused.resolve(endpoint)
  },
})
const { port } = await server.listen({ port: 0, host: '127.0.0.1' })

// Nobody polls yet: the call waits in the queue of its subscription, two minutes at most.
const greeter = server.client(Greeter, { baseUri: 'poll://branch/' })
const greeting = greeter.greet('server')
// #endregion

const at = {
  subscription: 'poll://branch/',
  server: { baseUri: `https://127.0.0.1:${port}/`, thumbprint: serverCertificate.thumbprint },
}
const stranger = createHalibut({ certificate: strangerCertificate })
stranger.poll(at)
console.log(`A stranger may not poll ${await refused.promise}`)
await stranger.close()

// #region service
const branch = createHalibut({
  certificate: branchCertificate,
  services: [host(Greeter, { greet: name => `The branch greets the ${name}.` })],
})
const polling = branch.poll(at) // { subscription, server: { baseUri, thumbprint } }
// #endregion
console.log(await greeting)
console.log(`The branch is ${polling.state.kind}.`)

// #region stop
await polling.stop() // finishes what runs, takes no more
await Promise.all([branch.close(), server.close()])
// #endregion

/* Prints:
A stranger may not poll poll://branch/
The branch greets the server.
The branch is connected.
*/
