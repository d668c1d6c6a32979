/**
 * Which recordings show which rows of `docs/wire/tentacle-conformance.md`. The tests that replay a recording have the
 * numbers in their names; `conformance.test.ts` counts them, and fails for a row that no recording shows.
 */
export const cliChecklist: readonly { readonly row: string; readonly recordings: RegExp }[] = [
  { row: '12.1', recordings: /^help-(no-arguments|command)$/ },
  { row: '12.2', recordings: /^(unknown|empty)-command/ },
  { row: '12.3', recordings: /^help-(json-)?(of|option)-|^help-json/ },
  { row: '12.4', recordings: /^unknown-(option|positional)/ },
  { row: '12.5', recordings: /^version/ },
  { row: '12.6', recordings: /^(select|delete-instance|run|service)-unknown/ },
  { row: '12.7', recordings: /^help-option-with-unknown-instance$/ },
  { row: '12.8', recordings: /^show-thumbprint/ },
  { row: '12.9', recordings: /^show-configuration/ },
  { row: '12.10', recordings: /^list-instances/ },
  { row: '12.11', recordings: /^service-no-sudo$/ },
  { row: '12.12', recordings: /^(checkservices|watchdog)-/ },
  { row: '12.13', recordings: /^flag-/ },
  { row: '12.21', recordings: /^configure-(re(set|move)-|trust)/ },
  { row: '12.22', recordings: /^configure-(nolisten|port|listen|all|home)/ },
  { row: '12.23', recordings: /polling-(connection-)?count/ },
  { row: '12.25', recordings: /^new-certificate/ },
  { row: '12.26', recordings: /^import-certificate/ },
  { row: '12.27', recordings: /^register-(with-no-(environment|role)|worker-no-pool)$/ },
  { row: '12.28', recordings: /^register-with-(passive-all|bad-participation|rich)$/ },
  { row: '12.29', recordings: /^register-(with|worker)-(active|polling)/ },
  { row: '12.30', recordings: /^register-with-(active-again|polling-twice)$/ },
  {
    row: '12.31',
    recordings: /^register-with-(two-credentials|key-and-bearer|password-no-user|user-no-password)$/,
  },
  { row: '12.32', recordings: /^deregister-/ },
  { row: '12.33', recordings: /^server-comms/ },
  { row: '12.34', recordings: /^(polling-)?proxy-/ },
  { row: '12.35', recordings: /^livez/ },
]

/** What stands before the name of a recording's test: `tentacle 12.29, 12.30: `, or nothing. */
export function checklistPrefix(recording: string): string {
  const rows = cliChecklist.filter(({ recordings }) => recordings.test(recording)).map(({ row }) => row)
  return rows.length === 0 ? '' : `tentacle ${rows.join(', ')}: `
}
