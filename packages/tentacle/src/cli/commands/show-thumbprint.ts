import { resolve } from 'node:path'
import { formatOptions } from '../../options/common-options.ts'
import { formatOf } from '../../options/format.ts'
import { flag, value } from '../../options/option-table.ts'
import { writeFileSafely } from '../../settings/write-file.ts'
import { instanceCommand } from '../command.ts'

/** Prints the thumbprint and nothing else, without a line end; nothing at all if there is no certificate yet. */
export const showThumbprint = instanceCommand({
  options: {
    exportFile: value('e|export-file', 'File to write the thumbprint to'),
    thumbprintOnly: flag('thumbprint-only', 'Has no effect: nothing but the thumbprint is ever printed'),
    ...formatOptions,
  },
  async run(options, { settings, payload, machine }) {
    const format = formatOf(options.text('format'))
    const thumbprint = (await settings.read()).certificateThumbprint ?? null
    const text = format === 'json' ? JSON.stringify({ Thumbprint: thumbprint }) : (thumbprint ?? '')
    const file = options.nonEmpty('exportFile')
    if (file === undefined) payload(text)
    else await writeFileSafely(resolve(machine.cwd, file), text, { mode: 0o644 })
  },
})
