import stringifierOf from 'fast-json-stringify'
import type { FastifySchema } from 'fastify'

/** What Fastify asks a serializer for. */
interface SerializerDemand {
  readonly schema: FastifySchema
}

/** The compiled serializers of all servers in this process: schemas are constants, so each is compiled once. */
const compiled = new WeakMap<object, (value: unknown) => string>()

/**
 * Writes answers by their schemas, so that nothing gets out that the schema does not name. A serializer is compiled when
 * it is first needed: compiling those of all routes would make up more than half of the time to start.
 */
export function serializerCompiler({ schema }: SerializerDemand): (value: unknown) => string {
  return value => {
    let write = compiled.get(schema)
    if (write === undefined) {
      // Fastify types the schemas of answers as anything; what routes declare are JSON schemas.
      write = stringifierOf(schema as Parameters<typeof stringifierOf>[0])
      compiled.set(schema, write)
    }
    return write(value)
  }
}
