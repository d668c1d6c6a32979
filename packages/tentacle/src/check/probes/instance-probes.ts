import { randomBytes, X509Certificate } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from '@tentacle/halibut'
import { loadCertificate } from '../../certificates/instance-certificate.ts'
import { TentacleError, toError } from '../../errors.ts'
import { usableThumbprint } from '../../host/trust-servers.ts'
import type { ProxySettings, TentacleSettings } from '../../settings/tentacle-settings.ts'
import { sameThumbprint, type TrustedServer } from '../../settings/trusted-servers.ts'
import { fileError } from '../../settings/write-file.ts'
import { freeSpaceOf, neededForScript } from '../../workspaces/disk-space.ts'
import { workFolder } from '../../workspaces/script-workspace.ts'
import { type Finding, verdict } from '../finding.ts'
import { type ProbeContext, probe, sentence } from '../probe.ts'

/** What is known of the instance; what could not be read is absent, and a finding says why. */
export interface InstanceFacts {
  readonly name: string | undefined
  /** ` --instance NAME` or nothing. */
  readonly instanceArgument: string
  readonly settingsPath: string | undefined
  readonly home: string | undefined
  readonly listening: { readonly port: number; readonly ip: string | undefined } | undefined
  readonly trusted: readonly TrustedServer[]
  readonly squid: string | undefined
  readonly certificate: Certificate | undefined
  readonly pollingProxy: ProxySettings | undefined
}

/** How the instance was chosen. */
export interface InstanceChoice {
  readonly name: string | undefined
  readonly instanceArgument: string
  /** Reads its settings. @throws TentacleError as well when there is no instance */
  readonly read: () => Promise<TentacleSettings>
  /** A way to a server was given on the command line, so it is no fault when nothing is set up yet. */
  readonly isTrial: boolean
  /** The account, for messages. */
  readonly user: string
}

/** Reads the instance and looks at its folders, secrets, certificate and trust. */
export async function checkInstance(
  choice: InstanceChoice,
  context: ProbeContext,
): Promise<{ readonly findings: readonly Finding[]; readonly facts: InstanceFacts }> {
  const { name, instanceArgument } = choice
  const nothing = { name, instanceArgument, settingsPath: undefined, home: undefined, listening: undefined }
  const unread = {
    ...nothing,
    trusted: [],
    squid: undefined,
    certificate: undefined,
    pollingProxy: undefined,
  }
  let settings: TentacleSettings
  try {
    settings = await choice.read()
  } catch (error) {
    return { facts: unread, findings: [judgeUnread(error, choice.isTrial)] }
  }
  const read = readValues(settings)
  const certificate = await readCertificate(settings, choice)
  const secrets = await readProxies(settings, choice)
  return {
    facts: {
      name,
      instanceArgument,
      settingsPath: settings.path,
      ...read.values,
      certificate: certificate.certificate,
      pollingProxy: secrets.pollingProxy,
    },
    findings: [
      read.finding,
      await checkFolder(['home', 'the home folder'], settings.home, context, choice.user),
      await checkWork(workFolder(settings.home), context, choice.user),
      secrets.finding,
      certificate.finding,
      checkTrust(read.values.trusted, read.values.squid, choice),
    ],
  }
}

/** There is no instance, or its settings cannot be read. */
function judgeUnread(error: unknown, isTrial: boolean): Finding {
  const answer = verdict('settings', 'the settings of the instance')
  const detail = sentence(toError(error).message)
  switch (error instanceof TentacleError ? error.code : undefined) {
    case 'ERR_FILE':
      return answer.failed(detail, 'Run the check as the account of the service, or as root.')
    case 'ERR_SETTINGS_DAMAGED':
      return answer.failed(
        detail,
        'Repair the file, or put a copy of it back: the agent does not start with it.',
      )
    default:
      return isTrial
        ? answer.warning(detail, "Make an instance with 'Tentacle create-instance' once the way is open.")
        : answer.failed(
            detail,
            "Choose an instance with --instance=NAME ('Tentacle list-instances' shows all), or make one with create-instance.",
          )
  }
}

/** Reads each value for itself, so that all that are damaged are told. */
function readValues(settings: TentacleSettings) {
  const problems: string[] = []
  const value = <T>(read: () => T, fallback: T): T => {
    try {
      return read()
    } catch (error) {
      problems.push(sentence(toError(error).message))
      return fallback
    }
  }
  const noListen = value(() => settings.noListen, true)
  const port = value<number | undefined>(() => settings.port, undefined)
  value(() => settings.pollingConnectionCount, undefined)
  const values = {
    home: settings.home,
    listening: noListen || port === undefined ? undefined : { port, ip: settings.listenIp },
    trusted: value(() => settings.trustedServers, []),
    squid: settings.squid,
  }
  const answer = verdict('settings', `the settings in ${settings.path}`)
  const finding =
    problems.length === 0
      ? answer.ok(`${settings.path} can be read.`)
      : answer.failed(problems.join(' '), 'Correct these settings: the agent does not start with them.')
  return { values, finding }
}

/** Writes a file and takes it away again: the only way to know about rights, quotas and disks that are read-only. */
async function checkFolder(
  [id, tried]: readonly [string, string],
  folder: string,
  context: ProbeContext,
  user: string,
): Promise<Finding> {
  return await probe(context, [id, `${tried} ${folder}`], async answer => {
    const file = join(folder, `.check-${randomBytes(6).toString('hex')}`)
    try {
      await writeFile(file, '', { flag: 'wx', mode: 0o600 })
    } catch (error) {
      return answer.failed(
        sentence(fileError('write', folder, error).message),
        `Let the account of the service write there (this is ${user}), or choose another folder.`,
      )
    } finally {
      await rm(file, { force: true }).catch(() => undefined)
    }
    return answer.ok(`${folder} can be written by ${user}.`)
  })
}

async function checkWork(folder: string, context: ProbeContext, user: string): Promise<Finding> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  )
  return await probe(context, ['work', `the folder for scripts ${folder}`], async answer => {
    if (isThere) {
      const written = await checkFolder(['work', 'the folder for scripts'], folder, context, user)
      if (written.status !== 'ok') return written
    }
    const free = await freeSpaceOf(folder)
    const [has, needs] = [`${inMebibytes(free)} are free for scripts`, inMebibytes(neededForScript)]
    if (free < neededForScript)
      return answer.failed(
        `${has} at ${folder}; each needs ${needs}.`,
        'Free some space on that disk: until then every script is refused.',
      )
    return answer.ok(`${has}${isThere ? '' : `; ${folder} is made with the first one`}.`)
  })
}

function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024)).toLocaleString('en')} MiB`
}

async function readProxies(settings: TentacleSettings, { instanceArgument }: InstanceChoice) {
  const answer = verdict('secrets', 'the secrets in the settings')
  try {
    const [pollingProxy, agentProxy] = [await settings.pollingProxy(), await settings.agentProxy()]
    await settings.certificatePfx()
    const passwords = [pollingProxy, agentProxy].filter(({ password }) => password !== undefined).length
    const what =
      passwords === 0
        ? 'The certificate can be decrypted'
        : 'The certificate and the passwords of proxies can be decrypted'
    const finding =
      settings.certificateThumbprint === undefined && passwords === 0 ? 'There are none yet' : what
    return { pollingProxy, finding: answer.ok(`${finding}.`) }
  } catch (error) {
    return {
      pollingProxy: undefined,
      finding: answer.failed(
        sentence(toError(error).message),
        `Set them again on this machine: Tentacle import-certificate${instanceArgument} --from-file=FILE, or new-certificate and register again; proxy and polling-proxy with --proxyPassword.`,
      ),
    }
  }
}

async function readCertificate(settings: TentacleSettings, { instanceArgument }: InstanceChoice) {
  const answer = verdict('certificate', 'the certificate of the agent')
  let certificate: Certificate | undefined
  try {
    certificate = await loadCertificate(settings)
  } catch (error) {
    const next = `Import it again with import-certificate, or make one with new-certificate and register again.`
    return { certificate: undefined, finding: answer.failed(sentence(toError(error).message), next) }
  }
  if (certificate === undefined) {
    return {
      certificate: undefined,
      finding: answer.failed(
        'There is no certificate yet.',
        `Make one: Tentacle new-certificate${instanceArgument} --if-blank`,
      ),
    }
  }
  const { thumbprint } = certificate
  const { validTo } = new X509Certificate(certificate.certificatePem)
  const stored = settings.certificateThumbprint
  if (stored !== undefined && !sameThumbprint(stored, thumbprint)) {
    return {
      certificate,
      finding: answer.failed(
        `The stored certificate is ${thumbprint}, but the settings call it ${stored}.`,
        'Import the right certificate with import-certificate; it sets both.',
      ),
    }
  }
  return {
    certificate,
    finding: answer.ok(`The thumbprint is ${thumbprint}. Valid until ${validTo}; nobody looks at that.`),
  }
}

function checkTrust(
  trusted: readonly TrustedServer[],
  squid: string | undefined,
  choice: InstanceChoice,
): Finding {
  const answer = verdict('trust', 'the trusted servers')
  if (trusted.length === 0) {
    const next = `Register the agent (register-with, register-worker), or trust a server: Tentacle configure${choice.instanceArgument} --trust=THUMBPRINT`
    const detail = 'No server is trusted, so nobody can give this agent work.'
    return choice.isTrial ? answer.warning(detail, next) : answer.failed(detail, next)
  }
  const problems = trusted.flatMap(server => problemOf(server, squid))
  if (problems.length > 0)
    return answer.failed(
      problems.join(' '),
      'Set such entries again with server-comms, or remove them with configure --remove-trust.',
    )
  return answer.ok(trusted.map(describeTrust).join(' '))
}

function problemOf(
  { thumbprint, style, address, subscriptionId }: TrustedServer,
  squid: string | undefined,
): string[] {
  if (usableThumbprint(thumbprint) === undefined) return [`'${thumbprint}' is not a thumbprint.`]
  if (style !== 'TentacleActive') return []
  if (address === null) return [`The server ${thumbprint} cannot be polled: it has no address.`]
  if (!/^(https|wss):/i.test(address) || !URL.canParse(address))
    return [`The server at ${address} cannot be polled: that is no https:// or wss:// address.`]
  if (subscriptionId === null && squid === undefined)
    return [`The server at ${address} cannot be polled: it has no subscription.`]
  return []
}

function describeTrust({ thumbprint, style, address }: TrustedServer): string {
  return style === 'TentacleActive'
    ? `${thumbprint} is polled at ${address}.`
    : `${thumbprint} may call this agent.`
}
