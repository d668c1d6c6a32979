import { mkdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'
import { runFiles, voidClaim } from '../keeper/keeper-protocol.ts'
import { type ClaimState, readClaim } from './script-claim.ts'

/**
 * Makes an empty run folder, unless the script was begun. The keeper of an earlier agent may still be about to claim the
 * old folder: whoever makes the claim file first decides. If it was us, that keeper will never run the script.
 *
 * @returns the claim that was there, or `none` when the folder is ready for a keeper
 */
export async function prepareRunFolder(runFolder: string): Promise<ClaimState> {
  const path = join(runFolder, runFiles.claim)
  for (;;) {
    try {
      mkdirSync(runFolder, { mode: 0o700 })
      return 'none'
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
    try {
      await writeFile(path, voidClaim, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      const claim = await readClaim(runFolder)
      if (claim !== 'void') return claim
    }
    await rm(runFolder, { recursive: true, force: true })
  }
}
