import { randomBytes } from 'node:crypto'
import { createLoginThrottle } from '../access/login-throttle.ts'
import { hashPassword } from '../access/password-hash.ts'
import { createSignIn } from '../access/sign-in.ts'
import { loadServerCertificate } from '../config/server-certificate.ts'
import { parseInstant } from '../web/wire-time.ts'
import {
  type Command,
  type CommandContext,
  formatOption,
  homeOf,
  homeOption,
  isJson,
  type OptionValues,
} from './command.ts'
import { openHome, requireUserNamed } from './open-home.ts'

/** The environment variable with the new password; a command line is seen by every user of a machine. */
export const newPasswordVariable = 'OCTOPUS_SERVER_NEW_PASSWORD'

const userOption = { name: 'user', value: 'NAME', help: 'Name of the user (default admin)' }

function answer(values: OptionValues, { stdout }: CommandContext, facts: object, text: string): void {
  stdout.write(isJson(values) ? `${JSON.stringify(facts)}\n` : `${text}\n`)
}

/** `reset-password`: for whoever forgot it. */
export const resetPassword: Command = {
  name: 'reset-password',
  summary: "Sets a user's password, enables the user and ends the user's sessions",
  options: [
    homeOption,
    userOption,
    {
      name: 'password',
      value: 'TEXT',
      help: `The new password (better: ${newPasswordVariable}); default a random one, which is shown`,
    },
    formatOption,
  ],
  async run(values, context) {
    isJson(values)
    await using home = await openHome(homeOf(values, context.env), context.env)
    const { store } = home
    const user = await requireUserNamed(store, values.text('user') ?? 'admin')
    const chosen = values.text('password') ?? (context.env[newPasswordVariable] || undefined)
    const password = chosen ?? randomBytes(15).toString('base64url')
    const passwordHash = await hashPassword(password)
    await store.users.change(user.id, before => ({ ...before, passwordHash, isActive: true }))
    await store.sessions.deleteOfUser(user.id)
    const shown = chosen === undefined ? { password } : {}
    const text =
      chosen === undefined
        ? `The new password of ${user.username} is ${password}`
        : `The password of ${user.username} was changed.`
    answer(values, context, { user: user.username, ...shown }, text)
  },
}

/** `show-thumbprint`: what Tentacles must trust. */
export const showThumbprint: Command = {
  name: 'show-thumbprint',
  summary: 'Prints the thumbprint that Tentacles must trust',
  options: [homeOption, formatOption],
  async run(values, context) {
    isJson(values)
    await using home = await openHome(homeOf(values, context.env), context.env)
    const { thumbprint } = await loadServerCertificate(home.store.settings, home.vault)
    answer(values, context, { thumbprint }, thumbprint)
  },
}

/** `create-api-key`: for scripts that set a server up. */
export const createApiKey: Command = {
  name: 'create-api-key',
  summary: 'Makes an API key and prints it',
  options: [
    homeOption,
    userOption,
    { name: 'purpose', value: 'TEXT', help: 'What the key is for (default: made on the command line)' },
    { name: 'expires', value: 'DATE', help: 'When it ends, e.g. 2027-01-31 (default: never)' },
    formatOption,
  ],
  async run(values, context) {
    isJson(values)
    const expires = parseInstant(values.text('expires'), '--expires')
    await using home = await openHome(homeOf(values, context.env), context.env)
    const { store } = home
    const user = await requireUserNamed(store, values.text('user') ?? 'admin')
    const purpose = values.text('purpose') ?? 'made on the command line'
    const signIn = createSignIn(store, createLoginThrottle())
    const { secret, apiKey } = await signIn.createApiKey({ userId: user.id, purpose, expires, by: null })
    answer(values, context, { apiKey: secret, id: apiKey.id, user: user.username, expires }, secret)
  },
}
