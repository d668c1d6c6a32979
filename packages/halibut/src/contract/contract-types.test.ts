import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defineService,
  host,
  method,
  type ServiceClient,
  type ServiceImplementation,
  types,
  type ValueOf,
} from '../index.ts'

const Ticket = types.record({ dotnet: 'Some.Ticket, Some', fields: { taskId: types.text } })
const Colour = types.enumeration({ Red: 0, Green: 1 })
const Command = types.record({
  dotnet: 'Some.Command, Some',
  fields: {
    ticket: Ticket,
    colours: types.list(Colour),
    names: types.dictionary(Colour, types.text),
    limit: types.nullable(types.timeSpan),
    size: types.int64,
  },
})
const Service = defineService('ISomeService', {
  start: method([Command, types.text], Ticket),
  stop: method([], 'void'),
  addLong: method([types.int64, types.int64], types.int64, { wireName: 'Add' }),
})

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => undefined

test('values, clients and implementations have the types that the contract says', () => {
  type CommandValue = ValueOf<typeof Command>
  same<CommandValue['ticket'], { readonly taskId: string }>(true)
  same<CommandValue['colours'], readonly ('Red' | 'Green')[]>(true)
  same<CommandValue['names'], ReadonlyMap<'Red' | 'Green', string>>(true)
  same<CommandValue['limit'], number | null>(true)
  same<CommandValue['size'], bigint>(true)
  same<Awaited<ReturnType<ServiceClient<typeof Service>['start']>>, { readonly taskId: string }>(true)
  same<Awaited<ReturnType<ServiceClient<typeof Service>['stop']>>, void>(true)

  const implementation: ServiceImplementation<typeof Service> = {
    start: (command, name, context) => ({ taskId: `${command.ticket.taskId}${name}${context.thumbprint}` }),
    async stop(context) {
      context.signal.throwIfAborted()
    },
    addLong: (a, b) => a + b,
  }
  const call = (client: ServiceClient<typeof Service>) => client.addLong(1n, 2n, { timeoutMs: 5 })
  assert.equal(host(Service, implementation).contract, Service)
  assert.equal(typeof call, 'function')
})
