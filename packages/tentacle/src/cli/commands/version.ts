import { formatOptions } from '../../options/common-options.ts'
import { formatOf } from '../../options/format.ts'
import { plainCommand } from '../command.ts'
import { compatibleVersion, informationalVersion } from '../version.ts'

/** Prints the version, as one line without its end or as JSON, with or without any instance. */
export const version = plainCommand({
  options: formatOptions,
  async run(options, { payload }) {
    if (formatOf(options.text('format')) === 'text') payload(informationalVersion)
    else {
      const facts = {
        InformationalVersion: informationalVersion,
        MajorMinorPatch: compatibleVersion,
        NuGetVersion: compatibleVersion,
        SourceBranchName: 'main',
        IsPrerelease: false,
      }
      payload(JSON.stringify(facts, null, 2))
    }
  },
})
