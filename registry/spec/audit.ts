/** What the audit notes: every write, pulls, and what matters to security, one line each. Shared by all that read or write it. */

/** What happened, in the past tense. A face of the product words it for its reader. */
export const auditKinds = [
  'pushed',
  'pulled',
  'tagMoved',
  'tagDeleted',
  'manifestDeleted',
  'blobDeleted',
  'repositoryDeleted',
  'restored',
  'trashEmptied',
  'collected',
  'writeRefused',
  'loginFailed',
  'transferEnded',
  'userChanged',
  'roleChanged',
  'passwordChanged',
  'tokenChanged',
  'settingChanged',
  'certificateChanged',
  'levelChanged',
  'indexRebuilt',
  'ruleRan',
  'systemChanged',
] as const;
export type AuditKind = (typeof auditKinds)[number];

/** One line of the audit. */
export interface AuditRow {
  /** Unique, and in the order of writing. */
  readonly id: string;
  readonly at: string;
  readonly kind: AuditKind;
  readonly outcome: 'done' | 'failed';
  /** Who did it; absent for anonymous, and for what runs by itself. Of a failed login, the name that was tried. */
  readonly user?: string;
  /** Where the request came from; absent for the command line of this computer. */
  readonly address?: string;
  /** The client's short name, `docker 28.2`. */
  readonly client?: string;
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** What the tag meant before. */
  readonly from?: string;
  /** What was acted on, where it is neither repository nor tag: a user, a token, a subsystem of the log. */
  readonly subject?: string;
  /** More, in words: a role, a level, how much was freed, why it failed. */
  readonly detail?: string;
  /** How many times, where several are folded into one line. */
  readonly count?: number;
  readonly requestId?: string;
  /** Of a push: the last request of this user that had failed there before, within an hour. */
  readonly failedRequest?: string;
}

const columns = [
  'at',
  'kind',
  'outcome',
  'user',
  'address',
  'client',
  'repository',
  'tag',
  'digest',
  'from',
  'subject',
  'detail',
  'count',
  'requestId',
  'failedRequest',
] as const satisfies readonly (keyof AuditRow)[];

/** The first line of a table of comma-separated values. */
export const auditCsvHead = `${columns.join(',')}\r\n`;

/** A row as a line of comma-separated values (RFC 4180). */
export function auditCsvLine(row: AuditRow): string {
  return `${columns.map((name) => csvCell(String(row[name] ?? ''))).join(',')}\r\n`;
}

/**
 * A program for tables runs what begins so as a formula, whoever wrote it: a quote before it makes it text (OWASP, "CSV
 * Injection").
 */
function csvCell(text: string): string {
  const safe = /^[\s]*[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
