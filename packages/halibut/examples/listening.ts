/** A service that listens, and a caller that dials it. Both sides are in one program here; usually they are two. */
import { createCertificate, createHalibut, defineService, host, method, types } from '@tentacle/halibut'

// #region contract
const Greeter = defineService('IGreeter', {
  greet: method([types.text, types.list(types.text)], types.text),
})
// #endregion

// #region service
const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [
    host(Greeter, {
      greet: (greeting, names) => `${greeting}, ${names.join(' and ')}!`,
    }),
  ],
})
const listener = await service.listen({ port: 0, host: '127.0.0.1' })
// #endregion

// #region caller
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)

const greeter = caller.client(Greeter, {
  baseUri: `https://127.0.0.1:${listener.port}/`,
  thumbprint: service.certificate.thumbprint,
})
console.log(await greeter.greet('Hello', ['Ada', 'Grace']))
// #endregion

// #region end
await caller.close()
await service.close({ graceMs: 5000 })
// #endregion

/* Prints:
Hello, Ada and Grace!
*/
