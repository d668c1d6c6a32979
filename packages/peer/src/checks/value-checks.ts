import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  BenchService,
  CountingService,
  EchoService,
  ListService,
  MultipleParametersService,
} from '../services/contracts.ts'
import type { Check } from './check.ts'

/** Texts whose messages are just below and above the size at which the .NET reader changes its ways. */
const textLengths = [65_000, 65_400, 65_536, 70_000, 131_072, 200_000]

/** Arguments and results of every type, and the choice between overloads. */
export const valueChecks: readonly Check[] = [
  {
    test: 'say-hello',
    run: async remote =>
      assert.equal(await remote.client(EchoService).sayHello('Deploy package A'), 'Deploy package A...'),
  },
  {
    test: 'say-hello-unicode',
    async run(remote) {
      const text = 'žluťoučký 🚀 \u0000 "\\\n'
      assert.equal(await remote.client(EchoService).sayHello(text), `${text}...`)
    },
  },
  {
    test: 'echo-null',
    run: async remote => assert.equal(await remote.client(BenchService).echo(null), null),
  },
  {
    test: 'echo-1-mib',
    async run(remote) {
      const text = 'x'.repeat(1024 * 1024)
      assert.ok((await remote.client(BenchService).echo(text)) === text, 'another text came back')
    },
  },
  {
    test: 'echo-around-64-kib',
    async run(remote) {
      for (const length of textLengths) {
        const text = randomBytes(length).toString('base64').slice(0, length)
        assert.ok(
          (await remote.client(BenchService).echo(text)) === text,
          `${length} characters came back changed`,
        )
      }
    },
  },
  {
    test: 'noop',
    run: async remote => assert.equal(await remote.client(BenchService).noop(), undefined),
  },
  {
    test: 'method-returning-void',
    run: async remote =>
      assert.equal(await remote.client(MultipleParametersService).methodReturningVoid(12n, 14n), undefined),
  },
  {
    test: 'add-long',
    async run(remote) {
      const service = remote.client(MultipleParametersService)
      assert.equal(await service.addLong(1n, 2n), 3n)
      assert.equal(await service.addLong(9_007_199_254_740_993n, -2n), 9_007_199_254_740_991n)
    },
  },
  {
    test: 'add-double',
    run: async remote =>
      assert.equal(await remote.client(MultipleParametersService).addDouble(1.5, 2.25), 3.75),
  },
  {
    test: 'add-decimal',
    run: async remote =>
      assert.equal(await remote.client(MultipleParametersService).addDecimal(1.5, 2.25), 3.75),
  },
  {
    test: 'hello-0-to-11-arguments',
    async run(remote) {
      const service = remote.client(MultipleParametersService)
      assert.equal(await service.hello0(), 'Hello')
      assert.equal(await service.hello1('a'), 'Hello a')
      assert.equal(await service.hello2('a', 'b'), 'Hello a b')
      assert.equal(await service.hello3('a', 'b', 'c'), 'Hello a b c')
      assert.equal(await service.hello5('a', 'b', 'c', 'd', 'e'), 'Hello a b c d e')
      const all = await service.hello11('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k')
      assert.equal(all, 'Hello a b c d e f g h i j k')
    },
  },
  {
    test: 'overload-with-tuple',
    run: async remote =>
      assert.equal(
        await remote.client(MultipleParametersService).ambiguousTuple('a', ['x', 'y']),
        'Hello tuple',
      ),
  },
  {
    test: 'get-location',
    async run(remote) {
      const location = { latitude: -27, longitude: 153 }
      assert.deepEqual(await remote.client(MultipleParametersService).getLocation(location), {
        latitude: 153,
        longitude: -27,
      })
    },
  },
  {
    test: 'get-list',
    run: async remote => assert.deepEqual(await remote.client(ListService).getList(), ['a', 'b', 'c']),
  },
  {
    test: 'counting',
    async run(remote) {
      const service = remote.client(CountingService)
      const before = await service.getCurrentValue()
      assert.equal(await service.increment(), before + 1)
      assert.equal(await service.getCurrentValue(), before + 1)
    },
  },
]
