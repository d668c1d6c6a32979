import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TentacleError } from '../errors.ts'
import { newSubscriptionId } from './subscription-id.ts'
import {
  addOrReplace,
  checkThumbprint,
  parseTrustedServers,
  sameAddress,
  serializeTrustedServers,
  type TrustedServer,
} from './trusted-servers.ts'

const thumbprint = 'F707A54CCF7EBF375B8D90A8FD90402FDC1C9295'
const polled: TrustedServer = {
  thumbprint,
  style: 'TentacleActive',
  address: 'https://a:10943',
  squid: null,
  subscriptionId: 'poll://x/',
}

describe('trusted servers', () => {
  test('tentacle 12.24: are read with styles as words or numbers, members in any case, and members left out', () => {
    const read = parseTrustedServers(
      `[{"thumbprint":"${thumbprint}","COMMUNICATIONSTYLE":"tentacleactive","Address":"https://a:1/","Squid":"SQ"},` +
        `{"Thumbprint":"${thumbprint}","CommunicationStyle":1},{"Thumbprint":"${thumbprint}"}]`,
      'x',
    )
    assert.deepEqual(
      read.map(({ style, address, squid }) => [style, address, squid]),
      [
        ['TentacleActive', 'https://a:1/', 'SQ'],
        ['TentaclePassive', null, null],
        ['None', null, null],
      ],
    )
  })

  test('are written with numbers and all members, on one line', () => {
    assert.equal(
      serializeTrustedServers([polled]),
      `[{"Thumbprint":"${thumbprint}","CommunicationStyle":2,"Address":"https://a:10943","Squid":null,"SubscriptionId":"poll://x/"}]`,
    )
  })

  test('of none are nothing or an empty list', () => {
    for (const text of [undefined, '', ' ', '[]', 'null'])
      assert.deepEqual(parseTrustedServers(text, 'x'), [])
  })

  for (const text of ['{', '{}', '[1]', '[{}]', '[{"Thumbprint":"x","CommunicationStyle":"Nope"}]', '"x"']) {
    test(`that are damaged are refused: ${text}`, () => {
      assert.throws(
        () => parseTrustedServers(text, 'the file'),
        (error: unknown) =>
          error instanceof TentacleError &&
          error.code === 'ERR_SETTINGS_DAMAGED' &&
          error.message.includes('the file'),
      )
    })
  }

  test('tentacle 12.24: are one where thumbprint and address are the same, and the newest comes last', () => {
    const other = { ...polled, address: 'https://b:10943' }
    const replaced = {
      ...polled,
      thumbprint: thumbprint.toLowerCase(),
      address: 'HTTPS://A:10943/',
      subscriptionId: 'poll://y/',
    }
    assert.deepEqual(addOrReplace([polled, other], replaced), [other, replaced])
    assert.equal(addOrReplace([polled], { ...polled, address: null }).length, 2)
  })

  test('are at one address whatever its spelling', () => {
    assert.ok(sameAddress('https://a', 'https://A:443/'))
    assert.ok(!sameAddress('https://a:1', 'https://a:2'))
    assert.ok(!sameAddress('https://a:1', null))
    assert.ok(sameAddress('no url', 'no url'))
  })
})

describe('thumbprints', () => {
  test('may have the blanks and colons of certificate viewers', () => {
    const spread = thumbprint.replaceAll(/(..)/g, '$1:').slice(0, -1)
    assert.equal(checkThumbprint(` ${spread} `), thumbprint)
    assert.equal(checkThumbprint(`\u200E${thumbprint.toLowerCase()}`), thumbprint.toLowerCase())
  })

  test('have 40 hexadecimal digits, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        fc.pre(!/^[\s:\u200E]*([0-9a-f][\s:\u200E]*){40}$/i.test(text))
        assert.throws(() => checkThumbprint(text), TentacleError)
      }),
    )
  })
})

test('new subscriptions have 20 characters that are not mistaken for others', () => {
  const ids = Array.from({ length: 100 }, () => newSubscriptionId())
  for (const id of ids) assert.match(id, /^poll:\/\/[bcdefghjklmnpqrstuvwxyz2-9]{20}\/$/)
  assert.equal(new Set(ids).size, 100)
})
