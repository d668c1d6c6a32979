import { cpSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { HelpLayout } from './help-layout.ts'
import { createRig, type Rig } from './rig.ts'
import type { SeenRequest, StandInAnswer, StandInServer } from './stand-in-server.ts'
import { standInSystem } from './stand-in-system.ts'

/** One recorded run of the original, without its sentences where ours differ. */
export interface CliRow {
  readonly name: string
  readonly setup?: readonly (readonly string[])[]
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly serverAnswers?: Readonly<Record<string, StandInAnswer>>
  readonly argv: readonly string[]
  readonly exitCode: number
  /** `<HELP>` stands for help, whose layout is in `help`; `<VERSION>` for a version. */
  readonly stdout: string
  /** `<REPORT>` stands for the block before exit code 100. */
  readonly stderr: string
  readonly help?: HelpLayout
  /** Files that were made, changed or (null) deleted; binary files as `hex:` and their first two bytes. */
  readonly changes: Readonly<Record<string, string | null>>
  readonly serverRequests: readonly SeenRequest[]
  /** How `systemctl` answers in this run; it succeeds unless this is here. */
  readonly systemctl?: { readonly exitCode: number; readonly stderr: string }
  /** Calls of `systemctl` and `sudo`, in their order. */
  readonly systemCalls?: readonly string[]
}

/** What a run did, in the vocabulary of the rows. */
export interface Observed {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly changes: Readonly<Record<string, string | null>>
  readonly serverRequests: readonly SeenRequest[]
  readonly systemCalls: readonly string[]
}

const fixtures = join(import.meta.dirname, 'fixtures')

export function readRows(path = join(fixtures, 'cli.jsonl')): CliRow[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as CliRow)
}

/** Runs a row on a machine of its own. Its paths below `/home/t` and its server are mapped to real ones and back. */
export async function runRow(
  t: Pick<TestContext, 'after'>,
  row: CliRow,
  server: StandInServer,
): Promise<Observed> {
  const rig = await createRig(t)
  // Most rows name none of the files: they need not be there.
  if (JSON.stringify(row).includes('/home/t/files'))
    cpSync(join(fixtures, 'files'), rig.at('files'), { recursive: true })
  const map = new RowMap(rig, server)

  await setUp(rig, row.setup ?? [], server)
  for (const [path, text] of Object.entries(row.files ?? {})) {
    await rig.write(map.here(path).slice(rig.root.length), map.here(text))
    if (/^livez-(stale|max-age)/.test(row.name))
      utimesSync(map.here(path), new Date(), new Date(Date.now() - 100_000))
  }

  const wantedPath = row.env?.PATH
  const system = wantedPath?.includes('/home/fakebin') ? await standInSystem(rig, row.systemctl) : undefined
  const before = await rig.snapshot()
  server.seen.length = 0
  server.answers = row.serverAnswers ?? {}
  const cwd = row.cwd === undefined ? rig.root : map.here(row.cwd)
  const path = system === undefined ? wantedPath : wantedPath?.replace('/home/fakebin', system.programs)
  const env = { ...row.env, ...(path === undefined ? {} : { PATH: path }) }
  const { exitCode, stdout, stderr } = await rig.run(map.argv(row.argv), { cwd, env })
  const systemCalls = (await system?.calls()) ?? []
  const after = await rig.snapshot()
  return {
    exitCode,
    stdout: map.there(stdout),
    stderr: map.there(stderr),
    changes: changesBetween(before, after, map),
    serverRequests: server.seen.map(seen => JSON.parse(map.there(JSON.stringify(seen))) as SeenRequest),
    systemCalls,
  }
}

/** What a set-up leaves: many rows have the same, and some take a while. Paths in it start with `root`. */
interface SetUpResult {
  readonly root: string
  readonly files: ReadonlyMap<string, Buffer>
}

const setUps = new Map<string, Promise<SetUpResult>>()

/** Runs the set-up of a row, or copies what it left when it was run for another row. */
async function setUp(rig: Rig, commands: CliRow['setup'], server: StandInServer): Promise<void> {
  const key = JSON.stringify(commands)
  const known = setUps.get(key)
  if (known !== undefined) {
    const { root, files } = await known
    for (const [path, content] of files) {
      const moved = Buffer.from(content.toString('latin1').replaceAll(root, rig.root), 'latin1')
      await rig.write(path.slice(root.length), moved)
    }
    return
  }
  const running = runSetUp(rig, commands ?? [], server)
  setUps.set(key, running)
  await running
}

async function runSetUp(
  rig: Rig,
  commands: readonly (readonly string[])[],
  server: StandInServer,
): Promise<SetUpResult> {
  const map = new RowMap(rig, server)
  server.answers = {}
  for (const argv of commands) {
    const { exitCode, stderr } = await rig.run(map.argv(argv))
    if (exitCode !== 0) throw new Error(`setup ${argv.join(' ')} failed with ${exitCode}: ${stderr}`)
  }
  const files = [...(await rig.snapshot())].filter(([path]) => !path.startsWith(rig.at('files')))
  return { root: rig.root, files: new Map(files) }
}

function changesBetween(
  before: Map<string, Buffer>,
  after: Map<string, Buffer>,
  map: RowMap,
): Record<string, string | null> {
  const changes: Record<string, string | null> = {}
  for (const [path, content] of after) {
    if (before.get(path)?.equals(content)) continue
    changes[map.there(path)] = isText(content)
      ? map.there(content.toString('utf8'))
      : `hex:${content.toString('hex', 0, 2)}`
  }
  for (const path of before.keys()) if (!after.has(path)) changes[map.there(path)] = null
  return changes
}

function isText(content: Buffer): boolean {
  return content.every(byte => byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}

/** Between the names of the recording and those of the test's machine. */
class RowMap {
  readonly #root: string
  readonly #ports: readonly (readonly [there: number, here: number])[]

  constructor(rig: Rig, server: StandInServer) {
    this.#root = rig.root
    this.#ports = [
      [8080, server.httpPort],
      [8443, server.httpsPort],
      [10943, server.commsPort],
    ]
  }

  /** The port for agents is 10943 where a row does not name it; here it has another number, which must be said. */
  argv(argv: readonly string[]): string[] {
    const mapped = argv.map(arg => this.here(arg))
    const polls =
      /^(register|poll)/.test(argv[0] ?? '') && (argv.includes('TentacleActive') || argv[0] === 'poll-server')
    const says =
      argv.some(arg => /^--server-(comms|web)/.test(arg)) || argv.includes('--reuse-server-thumbprint')
    if (polls && !says)
      mapped.push('--server-comms-port', this.here('octopus.example:10943').split(':')[1] ?? '')
    return mapped.map((arg, at) => (mapped[at - 1] === '--server-comms-port' ? this.#port(arg) : arg))
  }

  #port(arg: string): string {
    return String(this.#ports.find(([there]) => String(there) === arg)?.[1] ?? arg)
  }

  here(text: string): string {
    let mapped = text.replaceAll(/\/home\/t(?=[/"]|$)/g, this.#root)
    for (const [there, here] of this.#ports)
      mapped = mapped.replaceAll(`octopus.example:${there}`, `localhost:${here}`)
    return mapped.replaceAll('octopus.example', 'localhost')
  }

  there(text: string): string {
    let mapped = text
      .replaceAll(`${this.#root}/etc/systemd`, '/etc/systemd')
      .replaceAll(this.#root, '/home/t')
      .replace(dropIn, '<DROP-IN>')
    for (const [there, here] of this.#ports) {
      mapped = mapped
        .replaceAll(`localhost:${here}`, `octopus.example:${there}`)
        .replaceAll(`port ${here}`, `port ${there}`)
    }
    return placeholders(mapped.replaceAll('localhost', 'octopus.example'))
  }
}

/** What stands beside every unit. */
const dropIn = readFileSync(join(fixtures, 'drop-in.conf'), 'utf8')

const knownThumbprints = new Set(
  readFileSync(join(fixtures, 'files/thumbprints.txt'), 'utf8').match(/\b[0-9A-F]{40}\b/g),
)

function placeholders(text: string): string {
  return text
    .replaceAll(/poll:\/\/[b-z2-9]{20}\//g, '<SUBSCRIPTION>')
    .replaceAll(/(<set key="Tentacle\.Certificate">)[^<]+/g, '$1<ENCRYPTED>')
    .replaceAll(/^\uFEFF[A-Za-z0-9+/=]{1000,}$/g, '\uFEFF<BASE64>')
    .replaceAll(/\b[0-9A-F]{40}\b/g, found =>
      knownThumbprints.has(found) || /^(.)\1+$/.test(found) ? found : '<THUMBPRINT>',
    )
}
