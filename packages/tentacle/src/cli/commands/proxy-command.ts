import { isIPv6 } from 'node:net'
import { type OptionTable, value } from '../../options/option-table.ts'
import { type ParsedOptions, parseInteger } from '../../options/parse-options.ts'
import type { ProxyKeys } from '../../settings/settings-keys.ts'
import type { SettingsDraft } from '../../settings/settings-store.ts'
import { type InstanceCommand, instanceCommand } from '../command.ts'

const options = {
  enable: value('proxyEnable', 'True to use a proxy, False to use none'),
  username: value('proxyUsername', 'User name for the proxy; empty to forget it'),
  password: value('proxyPassword', 'Password for the proxy; empty to forget it', { sensitive: true }),
  host: value('proxyHost', "Host of the proxy; without one the system's own proxy is used"),
  port: value('proxyPort', 'Port of the proxy; 80 if none is given'),
} as const satisfies OptionTable

/**
 * `proxy` and `polling-proxy` differ only in the keys that they set. Leaving `--proxyEnable` out switches the proxy off;
 * port, user and password are kept for the next time.
 */
export function proxyCommand(keys: ProxyKeys): InstanceCommand {
  return instanceCommand({
    options,
    async run(given, { settings, log }) {
      const enabled = given.boolean('enable') ?? false
      const { host, port } = splitHost(given.nonEmpty('host') ?? '')
      const ownPort = given.has('port') ? parsePort(given.text('port') ?? '') : port
      const lines: string[] = []
      await settings.change(async draft => {
        lines.length = 0
        draft.set(keys.useDefault, enabled && host === '')
        draft.set(keys.host, enabled ? host : null)
        if (ownPort !== undefined) {
          draft.set(keys.port, ownPort)
          lines.push(`Proxy port set to: ${ownPort}`)
        }
        lines.push(...(await setCredentials(given, draft, keys)))
      })
      for (const line of lines) log.info(line)
      log.info(summary(enabled, host))
    },
  })
}

async function setCredentials(
  given: Pick<ParsedOptions<typeof options>, 'text'>,
  draft: SettingsDraft,
  keys: ProxyKeys,
): Promise<string[]> {
  const lines: string[] = []
  const username = given.text('username')
  if (username !== undefined) {
    draft.set(keys.username, username)
    lines.push(username === '' ? 'Proxy username cleared' : `Proxy username set to: ${username}`)
  }
  const password = given.text('password')
  if (password === '') {
    draft.set(keys.password, null)
    lines.push('Proxy password cleared')
  } else if (password !== undefined) {
    await draft.setSecret(keys.password, password)
    lines.push('Proxy password set to: *******')
  }
  return lines
}

function parsePort(text: string): number {
  return text.trim() === '' ? 80 : parseInteger('proxyPort', text)
}

/** A host, or a URL or `host:port` of which both parts are taken. */
function splitHost(typed: string): { host: string; port: number | undefined } {
  const text = isIPv6(typed.trim()) ? `[${typed.trim()}]` : typed.trim()
  const url = text.includes('://') ? text : `http://${text}`
  if (text === '' || !URL.canParse(url)) return { host: text, port: undefined }
  const { hostname, port } = new URL(url)
  return { host: hostname, port: port === '' ? undefined : Number(port) }
}

function summary(enabled: boolean, host: string): string {
  if (!enabled) return 'Proxy use is disabled'
  return host === '' ? 'Using Internet Explorer Proxy' : `Using custom proxy at: ${host}`
}
