import type { Log } from '../logging/log.ts'
import { handOver } from '../service-manager/hand-over.ts'
import { type RunProgram, runProgram } from '../service-manager/run-program.ts'
import { findAccount } from '../service-manager/service-accounts.ts'
import type { ServiceManager } from '../service-manager/service-definition.ts'
import { SystemdServices } from '../service-manager/systemd-services.ts'
import { WindowsServices } from '../service-manager/windows-services.ts'
import type { Windows } from '../windows/windows.ts'
import type { Machine } from './machine.ts'

/** An instance whose files the account of its service gets. */
export interface InstanceFiles {
  readonly configPath: string
  readonly home: string
  readonly applications: string
}

/** Runs programs with the environment of a machine. */
export function programsOf(machine: Machine): RunProgram {
  return (program, args) => runProgram(program, args, { env: machine.env })
}

/** The services of a machine with Windows. */
export function windowsServices({ services }: Machine, windows: Windows, log: Log): WindowsServices {
  return new WindowsServices({ isElevated: services.isElevated, control: windows.services, log })
}

/**
 * The services of this machine.
 *
 * @param files - where the instance is that is installed; asked only when a service gets an account of its own
 */
export function openServiceManager(
  machine: Machine,
  log: Log,
  files: () => Promise<InstanceFiles>,
): ServiceManager {
  const run = programsOf(machine)
  const { services, paths, program, env, windows } = machine
  if (windows !== undefined) return windowsServices(machine, windows, log)
  return new SystemdServices({
    place: {
      units: services.units,
      packagedUnits: services.packagedUnits,
      isElevated: services.isElevated,
      path: env.PATH ?? '',
    },
    run,
    log,
    async prepareAccount(name) {
      const account = await findAccount(name, run)
      const { indexRoot } = paths
      const { executable } = program
      return async () => {
        if (account.uid === 0) return
        await handOver({ account, ...(await files()), indexRoot, executable, run, log })
      }
    },
  })
}
