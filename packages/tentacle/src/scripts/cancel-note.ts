import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptWorkspace } from '../workspaces/script-workspace.ts'

/** Made when a cancel is asked for, so that a restarted agent knows of it. */
const fileName = 'cancel'

export async function noteCancel({ control }: ScriptWorkspace): Promise<void> {
  await writeFile(join(control, fileName), '', { mode: 0o600 })
}

/** Whether a cancel of the script in a workspace was asked for. */
export function wasCancelled({ control }: ScriptWorkspace): Promise<boolean> {
  return access(join(control, fileName)).then(
    () => true,
    () => false,
  )
}
