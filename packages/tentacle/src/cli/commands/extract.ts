import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { TentacleError } from '../../errors.ts'
import { value } from '../../options/option-table.ts'
import { plainCommand } from '../command.ts'

/** Unpacks a package into a folder. Files that are there already are replaced by those of the same name. */
export const extract = plainCommand({
  options: {
    package: value('package', 'Package file to unpack'),
    destination: value('destination', 'Folder to unpack it into'),
  },
  async run(options, { machine, log, signal }) {
    const file = options.nonEmpty('package')
    const destination = options.nonEmpty('destination')
    const packagePath = file === undefined ? undefined : resolve(machine.cwd, file)
    if (packagePath !== undefined && !existsSync(packagePath)) {
      throw new TentacleError('ERR_USAGE', `There is no package file at ${packagePath}.`)
    }
    if (packagePath !== undefined) log.info(`Package: ${packagePath}`)
    if (destination !== undefined) log.info(`Destination: ${resolve(machine.cwd, destination)}`)
    if (packagePath === undefined) {
      throw new TentacleError('ERR_USAGE', 'Say which package to unpack: --package=FILE.')
    }
    if (destination === undefined) {
      throw new TentacleError('ERR_USAGE', 'Say where to unpack the package: --destination=FOLDER.')
    }
    const { unpackInto } = await import('../../packages/unpack-into.ts')
    const files = await unpackInto(packagePath, resolve(machine.cwd, destination), {
      pauseMs: machine.patience.packagePauseMs,
      signal,
    })
    log.info(`${files} files extracted`)
  },
})
