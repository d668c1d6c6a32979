import { arch, release, tmpdir, type } from 'node:os'

/** What the head of a log tells about the process. */
export interface Diagnostics {
  readonly version: string
  /** The instance's name, or the path of its settings if it has none. */
  readonly instance: string | undefined
  readonly folders: { readonly from: string; readonly to: string }
  readonly user: string
  readonly machine: string
  readonly cwd: string
  readonly program: string
  readonly processId: number
  readonly processors: number
}

/** The lines that start the log of each run: which program, which instance, on which machine. */
export function diagnosticLines(facts: Diagnostics): string[] {
  const { from, to } = facts.folders
  return [
    '='.repeat(80),
    ...(from === to ? [] : [`Changed log folder from ${from} to ${to}`]),
    `Tentacle version ${facts.version} (${facts.version}) instance ${facts.instance ?? ''}`.trimEnd(),
    'Environment Information:',
    `  OperatingSystem: ${type()} ${release()}`,
    `  OsBitVersion: ${arch()}`,
    `  Is64BitProcess: ${arch().includes('64') ? 'True' : 'False'}`,
    `  CurrentUser: ${facts.user}`,
    `  MachineName: ${facts.machine}`,
    `  ProcessorCount: ${facts.processors}`,
    `  CurrentDirectory: ${facts.cwd}`,
    `  TempDirectory: ${tmpdir()}`,
    `  HostProcessName: ${facts.program}`,
    `  PID: ${facts.processId}`,
  ]
}
