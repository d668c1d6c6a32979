import type { FastifySchema, FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { ServerError } from '../errors.ts'

/** The parts of a JSON schema that reading requests looks at. */
interface Shape {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Shape>>
  readonly patternProperties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
}

type JsonRecord = Record<string, unknown>

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The alternative of a union that a value of this form can be. */
function fitting(shape: Shape, value: unknown): Shape {
  if (shape.anyOf === undefined) return shape
  const isFitting = (one: Shape): boolean =>
    isRecord(value) ? one.type === 'object' : Array.isArray(value) ? one.type === 'array' : false
  return shape.anyOf.find(isFitting) ?? {}
}

/**
 * Gives the members of a body the names of the schema: clients write `ProjectName`, `projectName` or `projectname`, and
 * send members that we do not know, which are left out. Keys of records (settings, scopes) are data and stay.
 */
function canonicalBody(shape: Shape, value: unknown): unknown {
  const chosen = fitting(shape, value)
  if (Array.isArray(value)) {
    const { items } = chosen
    return items === undefined ? value : value.map(item => canonicalBody(items, item))
  }
  if (!isRecord(value)) return value
  const entries = Object.entries(value)
  if (chosen.properties === undefined) {
    const each = Object.values(chosen.patternProperties ?? {})[0]
    return each === undefined
      ? value
      : Object.fromEntries(entries.map(([key, item]) => [key, canonicalBody(each, item)]))
  }
  const names = new Map(Object.keys(chosen.properties).map(name => [name.toLowerCase(), name]))
  const result: JsonRecord = {}
  for (const [key, item] of entries) {
    const name = names.get(key.toLowerCase())
    const inner = name === undefined ? undefined : chosen.properties[name]
    if (name !== undefined && inner !== undefined) result[name] = canonicalBody(inner, item)
  }
  return result
}

function queryValue(shape: Shape, texts: readonly string[]): unknown {
  const text = texts.at(-1) ?? ''
  switch (shape.type) {
    case 'array':
      return texts
        .flatMap(each => each.split(','))
        .map(each => each.trim())
        .filter(each => each !== '')
    case 'boolean':
      return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text
    default:
      return text
  }
}

/** Reads a query by its schema. An empty parameter counts as missing: clients send `?name=&skip=0`. */
function canonicalQuery(shape: Shape, raw: unknown): JsonRecord {
  const result: JsonRecord = {}
  const properties = shape.properties ?? {}
  const names = new Map(Object.keys(properties).map(name => [name.toLowerCase(), name]))
  for (const [key, value] of Object.entries(isRecord(raw) ? raw : {})) {
    const name = names.get(key.toLowerCase())
    const inner = name === undefined ? undefined : properties[name]
    if (name === undefined || inner === undefined) continue
    const texts = (Array.isArray(value) ? value : [value]).filter(item => typeof item === 'string')
    if (texts.some(text => text !== '')) result[name] = queryValue(inner, texts)
  }
  return result
}

/** `/Endpoint/Uri` → `Endpoint.Uri`, `/Roles/0` → `Roles[0]`. */
function fieldName(path: string): string {
  return path
    .split('/')
    .slice(1)
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('')
}

function problemOf({ keyword, instancePath, params, message }: ValidationProblem): readonly string[] {
  const field = fieldName(instancePath)
  const within = field === '' ? '' : `${field}.`
  const subject = field === '' ? 'The request body' : field
  if (keyword === 'required' && Array.isArray(params.requiredProperties)) {
    return params.requiredProperties.map(name => `${within}${String(name)} is required.`)
  }
  if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
    return [`${subject} must be one of: ${params.allowedValues.join(', ')}.`]
  }
  if (keyword === 'minLength') return [`${subject} must not be empty.`]
  return [`${subject} ${message}.`]
}

interface ValidationProblem {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

/** Of a union that does not fit only the deepest problems help: the rest says "must be null" and the like. */
function mostTelling(problems: readonly ValidationProblem[]): readonly ValidationProblem[] {
  const helpful = problems.filter(
    ({ keyword, params }) => keyword !== 'anyOf' && !(keyword === 'type' && params.type === 'null'),
  )
  return helpful.length > 0 ? helpful : problems
}

/** The compiled schemas of all servers in this process. */
const compiled = new WeakMap<object, Validator>()

/** Compiles a schema when it is first needed: compiling all of them would double the time to start. */
function validatorOf(schema: TSchema): Validator {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const validator = Compile(schema)
  compiled.set(schema, validator)
  return validator
}

/** Reads and checks the parts of requests by their schemas. Invalid input never reaches a handler. */
export const validatorCompiler: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) => {
  // What routes declare are TypeBox schemas; Fastify types them as anything.
  const typed = schema as TSchema & Shape
  return (raw: unknown) => {
    const validator = validatorOf(typed)
    const value = httpPart === 'querystring' ? canonicalQuery(typed, raw) : canonicalBody(typed, raw)
    if (validator.Check(value)) return { value }
    const problems = [...new Set(mostTelling(validator.Errors(value)).flatMap(problemOf))].slice(0, 20)
    return {
      error: new ServerError('ERR_INVALID_INPUT', 'There was a problem with your request.', { problems }),
    }
  }
}
