/** `berth activity` for what the screen shows. */
import type { AuditKind } from '../../../registry/spec/audit.ts';
import { shellWord } from '../../shell.ts';

export interface AuditArguments {
  readonly kind?: AuditKind;
  readonly user?: string;
  readonly repository?: string;
  readonly since?: string;
  readonly until?: string;
  readonly q?: string;
  readonly withoutChecks?: boolean;
}

/** The command that lists, or with `format` exports, the same lines. */
export function activityCommand(filter: AuditArguments, format?: 'ndjson' | 'csv'): string {
  const { kind, user, repository, since, until, q, withoutChecks = false } = filter;
  const options = { kind, user, repository, since, until, filter: q, export: format };
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
  return ['berth', 'activity', ...(withoutChecks ? ['--without-checks'] : []), ...words].join(' ');
}
