import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ServerError, toError } from '../errors.ts'

const port = Type.Integer({ minimum: 0, maximum: 65_535 })

const SettingsFile = Type.Object(
  {
    /** Port of the web portal and the REST API. */
    port: Type.Optional(port),
    /** Address to listen on for the web; default: all. */
    host: Type.Optional(Type.String({ minLength: 1 })),
    /** Port that polling Tentacles dial. */
    commsPort: Type.Optional(port),
    /** Port of `/metrics` on the loopback address; default: none. */
    metricsPort: Type.Optional(port),
    /** Folder in web addresses, e.g. `/octopus`. */
    webPrefix: Type.Optional(Type.String()),
    /** Folder with the files of the portal. */
    portal: Type.Optional(Type.String()),
    /** The version that clients are told: see docs/wire/server-api.md, version. */
    reportedVersion: Type.Optional(
      Type.String({ pattern: '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$' }),
    ),
    /** The product name that clients are told. */
    reportedApplication: Type.Optional(Type.String({ minLength: 1 })),
    logLevel: Type.Optional(Type.Enum(['error', 'warn', 'info', 'debug', 'trace'])),
    /** Tasks that are worked on at the same time. */
    taskCap: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    /** Address at which people reach the portal, for links in scripts and messages. */
    serverUri: Type.Optional(Type.String({ minLength: 1 })),
    /** Name of this node in tasks. */
    nodeName: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
)

/** What can be set, in `config.json` in the home folder or by options of `run`; options win. */
export type Settings = Static<typeof SettingsFile>

const validator = Compile(SettingsFile)

/** Reads the settings file; a missing file is an empty one. Throws `ERR_CONFIG` naming the file and the setting. */
export function readSettings(file: string): Settings {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new ServerError('ERR_CONFIG', `The settings ${file} cannot be read: ${toError(error).message}`, {
      cause: error,
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ServerError(
      'ERR_CONFIG',
      `The settings ${file} are not valid JSON: ${toError(error).message}`,
      { cause: error },
    )
  }
  if (validator.Check(value)) return value
  const problems = validator.Errors(value).map(({ keyword, instancePath, params, message }) => {
    const unknown =
      keyword === 'additionalProperties' && 'additionalProperties' in params
        ? params.additionalProperties
        : undefined
    if (Array.isArray(unknown)) return `there is no setting ${unknown.map(name => `'${name}'`).join(', ')}`
    return `${instancePath.slice(1) || 'the file'} ${message}`
  })
  throw new ServerError(
    'ERR_CONFIG',
    `The settings ${file} are not right: ${[...new Set(problems)].join('; ')}.`,
  )
}
