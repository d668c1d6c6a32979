import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { UploadResult } from '@tentacle/contracts'
import { DataStream } from '@tentacle/halibut'
import { sizeText } from '../agents/send-in-parts.ts'
import type { Tentacle } from '../agents/tentacle.ts'
import { deployerForMachine } from '../deployers/deployer-for-machine.ts'
import { ServerError } from '../errors.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { Package } from '../model/package.ts'
import { cachedFileName } from '../packages/package-name.ts'
import { type MachineOutcome, workOnMachine } from '../work/machine-outcome.ts'
import { runParallel } from '../work/run-parallel.ts'
import { callFor, type DeploymentRun, packageKey, runDeploymentScript } from './deployment-run.ts'

/** Transfers at a time. */
const maxParallelism = 10
/** The progress of a transfer is told in steps of this many percent. */
const progressStep = 5

interface Transfer {
  readonly machine: AnyMachine
  readonly item: Package
}

/** Every package with every machine that needs it, each pair once. */
function transfersOf({ plan, machines, packages }: DeploymentRun): readonly Transfer[] {
  const transfers = new Map<string, Transfer>()
  for (const { actions, machineIds, skipReason } of plan.steps) {
    if (skipReason !== null) continue
    for (const { action } of actions) {
      const item = packages.get(action.id)
      for (const machine of machineIds.map(id => machines.get(id))) {
        if (item === undefined || machine === undefined) continue
        transfers.set(packageKey(machine, item), { machine, item })
      }
    }
  }
  return [...transfers.values()]
}

/** Tells the progress of a transfer in steps. */
function progressTeller(node: LogNode, { packageId, sizeBytes }: Package) {
  let toldPercent = 0
  let told: Promise<void> = Promise.resolve()
  return {
    onSent(bytes: number): void {
      const percent = Math.floor((100 * bytes) / Math.max(1, sizeBytes))
      if (percent < toldPercent + progressStep) return
      toldPercent = percent
      told = told.then(() => node.progress(percent, `Sending ${packageId}`)).catch(() => undefined)
    },
    /** Everything is told. */
    done: () => told,
  }
}

/** Hex digits for the name of a file: 32 of them. The same content has the same name, so it can be gone on with. */
function nameByContent(item: Package): string {
  return cachedFileName(item, item.hash.slice(0, 32).toUpperCase())
}

/** Sends the file in the best way that the Tentacle knows. */
async function send(
  { context }: DeploymentRun,
  { machine, item }: Transfer,
  tentacle: Tentacle,
  node: LogNode,
): Promise<UploadResult> {
  const { task, memory, packages } = context
  const call = callFor(context, node)
  const path = packages.pathOf(item)
  const { takesParts } = await tentacle.capabilities(call)
  const progress = progressTeller(node, item)
  try {
    if (takesParts) {
      const file = {
        path,
        remotePath: `Files/${nameByContent(item)}`,
        length: item.sizeBytes,
        hash: item.hash,
        // After a restart this task comes back, and need not wait for what is left of its last connection.
        sender: `${task.id}/${machine.id}`,
      }
      return await tentacle.sendInParts(file, call, progress.onSent)
    }
    // The name is chosen before and stays, so a repetition overwrites what was cut off.
    const unique = randomBytes(16).toString('hex').toUpperCase()
    const key = `upload-name:${machine.id}/${item.id}`
    const name = await memory.remember(task.id, key, cachedFileName(item, unique))
    const content = () => createReadStream(path, { highWaterMark: 256 * 1024 })
    const stream = DataStream.from(item.sizeBytes, content, { onProgress: progress.onSent })
    return await tentacle.uploadFile(`Files/${name}`, stream, call)
  } finally {
    await progress.done()
  }
}

/** Sends the file and looks at what has arrived. */
async function upload(run: DeploymentRun, transfer: Transfer, node: LogNode): Promise<string> {
  const { machine, item } = transfer
  const tentacle = await run.context.agents.tentacle(machine)
  await node.write(
    'Info',
    `Sending ${item.packageId} ${item.version} (${sizeText(item.sizeBytes)}) to ${machine.name}.`,
  )
  const result = await send(run, transfer, tentacle, node)
  if (result.length !== item.sizeBytes || result.hash?.toLowerCase() !== item.hash.toLowerCase()) {
    throw new ServerError(
      'ERR_CONFLICT',
      `${item.packageId} ${item.version} did not arrive on ${machine.name} as it was sent: ${result.length} of ` +
        `${item.sizeBytes} bytes, SHA-1 ${result.hash ?? 'unknown'} instead of ${item.hash}. Is the disk full or damaged?`,
    )
  }
  await node.write('Verbose', `It is stored as ${result.fullPath}.`)
  return result.fullPath
}

/** Looks for the package in the machine's cache. Undefined: it has to be sent. */
async function findInCache(
  { context }: DeploymentRun,
  { machine, item }: Transfer,
  node: LogNode,
): Promise<string | undefined> {
  const tentacle = await context.agents.tentacle(machine)
  const { findPackage } = await deployerForMachine(tentacle, callFor(context, node))
  if (findPackage === undefined) return undefined
  const { packageId, version, hash } = item
  const outcome = await runDeploymentScript(context, {
    key: `find:${machine.id}/${item.id}`,
    tentacle,
    node,
    action: null,
    command: async () => ({
      ...findPackage({ packageId, version, hash }),
      isolation: 'NoIsolation',
      taskId: context.task.id,
    }),
  })
  if (outcome.exitCode !== 0 || !outcome.facts.exactPackageFound) return undefined
  const found = outcome.facts.packages.find(({ hash: its }) => its.toLowerCase() === hash.toLowerCase())
  return found?.path === '' ? undefined : found?.path
}

async function acquire(run: DeploymentRun, transfer: Transfer, node: LogNode): Promise<MachineOutcome> {
  const { context, inputs } = run
  const { machine, item } = transfer
  const { task, memory, agents, cancel } = context
  const key = packageKey(machine, item)
  if ((await memory.recall(task.id, key)) !== undefined) return { kind: 'success' }
  const tentacle = await agents.tentacle(machine)
  const deployer = await deployerForMachine(tentacle, callFor(context, node))
  if (deployer.deployPackage === undefined) return { kind: 'failed', reason: deployer.packageRefusal }
  const isForced = inputs.deployment.forcePackageDownload || inputs.project.forcePackageDownload
  const cached = isForced ? undefined : await findInCache(run, transfer, node)
  if (cancel.aborted) return { kind: 'canceled' }
  if (cached !== undefined) {
    await node.writeOnce('cached', 'Info', `${machine.name} has ${item.packageId} ${item.version} already.`)
  }
  await memory.remember(task.id, key, cached ?? (await upload(run, transfer, node)))
  return { kind: 'success' }
}

/** How the acquisition went. */
export type AcquisitionOutcome =
  | { readonly kind: 'success' | 'canceled' }
  | { readonly kind: 'failed'; readonly reason: string }

/** Brings every package to every machine that needs it: docs/wire/orchestration.md, packages. */
export async function acquirePackages(run: DeploymentRun): Promise<AcquisitionOutcome> {
  const { log, cancel } = run.context
  const transfers = transfersOf(run)
  const node = await log.root.child('acquire', 'Acquire packages', { showAtSummaryLevel: true })
  await node.start()
  const failures: string[] = []
  await runParallel(transfers, maxParallelism, async transfer => {
    const { machine, item } = transfer
    const own = await node.child(
      packageKey(machine, item),
      `${item.packageId} ${item.version} to ${machine.name}`,
    )
    const outcome = await workOnMachine(run.context, own, () => acquire(run, transfer, own))
    if (outcome.kind === 'failed') failures.push(`${machine.name}: ${outcome.reason}`)
  })
  if (cancel.aborted) {
    await node.end('Canceled')
    return { kind: 'canceled' }
  }
  const [first] = failures
  await node.end(first === undefined ? 'Success' : 'Failed')
  return first === undefined
    ? { kind: 'success' }
    : { kind: 'failed', reason: `Acquire packages failed. ${first}` }
}
