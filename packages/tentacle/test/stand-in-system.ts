import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import type { Rig } from './rig.ts'

/** Programs that stand in for those of the system and note how they are called. */
export interface StandInSystem {
  /** The folder for the `PATH`. */
  readonly programs: string
  /** The calls of `systemctl` and `sudo` so far, in their order; forgotten after that. */
  calls(): Promise<readonly string[]>
}

/** How `systemctl` ends. */
export interface SystemctlAnswer {
  readonly exitCode: number
  readonly stderr: string
}

/** Puts them into the folder of a test. Every account is there, as another name of root. */
export async function standInSystem(rig: Rig, systemctl?: SystemctlAnswer): Promise<StandInSystem> {
  const programs = rig.at('fakebin')
  const notes = rig.at('calls')
  mkdirSync(programs, { recursive: true })
  const note = `echo "\${0##*/} $*" >> '${notes}'`
  const { exitCode, stderr } = systemctl ?? { exitCode: 0, stderr: '' }
  const put = async (name: string, body: string) => {
    await rig.write(`fakebin/${name}`, `#!/bin/sh\n${body}\n`)
    chmodSync(rig.at('fakebin', name), 0o755)
  }
  await put('systemctl', `${note}\nprintf '%s' '${stderr}' >&2\nexit ${exitCode}`)
  await put('sudo', `${note}\nwhile [ "$1" = -n ]; do shift; done\nexec "$@"`)
  await put('systemd-notify', `echo 'systemd 252 (stand-in)'`)
  await put('getent', `echo "$2:x:0:0::/:/bin/sh"`)
  return {
    programs,
    async calls() {
      if (!existsSync(notes)) return []
      const text = readFileSync(notes, 'utf8')
      rmSync(notes)
      return text.split('\n').filter(line => line !== '')
    },
  }
}
