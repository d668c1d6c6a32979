/** How one check ended. `warning`: it works, but somebody should look at it. `skipped`: it could not be tried. */
export type FindingStatus = 'ok' | 'warning' | 'failed' | 'skipped'

/** What one check found. */
export interface Finding {
  /** A stable word for programs: `settings`, `name`, `tcp`, `tls`, … */
  readonly id: string
  readonly status: FindingStatus
  /** What was tried, as a noun: "TCP to 10.0.0.5:10943". */
  readonly tried: string
  /** What was seen: whole sentences, never a secret. */
  readonly detail: string
  /** What to do about it. */
  readonly next?: string
}

/** Findings that belong together: the instance, the way to one server, … */
export interface Section {
  readonly title: string
  /** In the order in which they are shown. Does not reject unless the command is stopped. */
  readonly findings: Promise<readonly Finding[]>
}

/** Makes the findings of one check, which is named once. */
export interface Verdict {
  ok(detail: string): Finding
  warning(detail: string, next: string): Finding
  failed(detail: string, next: string): Finding
  skipped(detail: string, next?: string): Finding
}

/** @param tried - see {@link Finding.tried}. */
export function verdict(id: string, tried: string): Verdict {
  return {
    ok: detail => ({ id, tried, status: 'ok', detail }),
    warning: (detail, next) => ({ id, tried, status: 'warning', detail, next }),
    failed: (detail, next) => ({ id, tried, status: 'failed', detail, next }),
    skipped: (detail, next) => ({
      id,
      tried,
      status: 'skipped',
      detail,
      ...(next !== undefined && { next }),
    }),
  }
}
