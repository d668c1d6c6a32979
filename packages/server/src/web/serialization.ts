import stringifierOf from 'fast-json-stringify'
import type { FastifySchema } from 'fastify'

/** What Fastify asks a serializer for. */
interface SerializerDemand {
  readonly schema: FastifySchema
}

type Serializer = (value: unknown) => string

/** The compiled serializers of all servers in this process, by their schemas. */
const compiled = new WeakMap<object, Serializer>()

/** The same by the text of the schemas: those of pages and lists are made anew for each route, but are few. */
const compiledTexts = new Map<string, Serializer>()

/**
 * Writes answers by their schemas, so that nothing gets out that the schema does not name. A serializer is compiled when
 * it is first needed: compiling those of all routes would make up more than half of the time to start.
 */
export function serializerCompiler({ schema }: SerializerDemand): Serializer {
  return value => {
    let write = compiled.get(schema)
    if (write === undefined) {
      write = serializerOf(schema)
      compiled.set(schema, write)
    }
    return write(value)
  }
}

function serializerOf(schema: FastifySchema): Serializer {
  const text = JSON.stringify(schema)
  let write = compiledTexts.get(text)
  if (write === undefined) {
    // Fastify types the schemas of answers as anything; what routes declare are JSON schemas.
    write = stringifierOf(schema as Parameters<typeof stringifierOf>[0])
    compiledTexts.set(text, write)
  }
  return write
}
