const kinds: Readonly<Record<string, string>> = {
  AdHocScript: 'Script',
  Deploy: 'Deployment',
  Health: 'Health check',
  RunbookRun: 'Runbook',
  Upgrade: 'Tentacle upgrade',
  UpdateCalamari: 'Tools update',
  Retention: 'Clean-up',
  Backup: 'Backup',
}

/** What a kind of task is called for readers; kinds that are not known keep the server's name. */
export function taskKind(name: string): string {
  return kinds[name] ?? name
}
