/** A contract with .NET classes, an enum, an interface and an overload. */
import {
  createCertificate,
  createHalibut,
  defineService,
  field,
  host,
  method,
  types,
  type ValueOf,
} from '@tentacle/halibut'

// #region contract
const Size = types.enumeration({ Small: 0, Large: 1 }, 'Shop.Size, Shop.Contracts')

const Parcel = types.record({
  dotnet: 'Shop.Parcel, Shop.Contracts',
  fields: {
    size: Size,
    weightKg: types.double, // WeightKg
    note: types.nullable(types.text),
    labels: types.dictionary(types.text, types.text),
    url: field('URL', types.uri), // not the key with a capital first letter
  },
})
const Letter = types.record({
  dotnet: 'Shop.Letter, Shop.Contracts',
  alsoReads: ['Shop.Legacy.Letter, Shop'],
  fields: { pages: types.int32 },
})
/** `IItem` in C#: which of the two it is stands in the message. */
const Item = types.oneOf('Shop.IItem, Shop.Contracts', Parcel, Letter)
type Item = ValueOf<typeof Item>

const Shipping = defineService('IShippingService', {
  price: method([types.list(Item)], types.double),
  findById: method([types.guid], types.nullable(Parcel), { wireName: 'Find' }),
  findByDate: method([types.dateTime], types.nullable(Parcel), { wireName: 'Find' }),
  countries: method([], types.set(types.text), { cacheSeconds: 3600 }), // callers ask once an hour
})
// #endregion

const parcel: ValueOf<typeof Parcel> = {
  size: 'Large',
  weightKg: 2.5,
  note: null,
  labels: new Map([['colour', 'blue']]),
  url: 'https://shop.example/1',
}

let asked = 0
const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [
    host(Shipping, {
      price: items => items.reduce((sum, item) => sum + ('pages' in item ? 1 : item.weightKg * 3), 0),
      findById: () => parcel,
      findByDate: date => (date.getUTCFullYear() < 2000 ? null : parcel),
      countries: () => {
        asked++
        return ['NL', 'NZ']
      },
    }),
  ],
})
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const shipping = caller.client(Shipping, {
  baseUri: `https://127.0.0.1:${port}/`,
  thumbprint: service.certificate.thumbprint,
})

const items: Item[] = [parcel, { pages: 2 }]
console.log('price:', await shipping.price(items))
console.log('found:', await shipping.findById('00112233-4455-6677-8899-aabbccddeeff'))
console.log('in 1999:', await shipping.findByDate(new Date('1999-12-31')))
await shipping.countries()
console.log('countries:', await shipping.countries(), 'asked for', asked, 'time')

await Promise.all([caller.close(), service.close()])

/* Prints:
price: 8.5
found: {
  size: 'Large',
  weightKg: 2.5,
  note: null,
  labels: Map(1) { 'colour' => 'blue' },
  url: 'https://shop.example/1'
}
in 1999: null
countries: [ 'NL', 'NZ' ] asked for 1 time
*/
