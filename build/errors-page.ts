import { tableRow } from '../registry/config/markdown.ts';
import { errorEntry, errors } from '../registry/spec/errors.ts';
import type { ErrorCode } from '../registry/spec/errors.ts';

const codes = Object.keys(errors) as ErrorCode[];

/** The page docs/reference/errors.md. */
export function renderErrorsPage(): string {
  const wire = codes.filter((code) => errorEntry(code).status !== undefined);
  const local = codes.filter((code) => errorEntry(code).status === undefined);
  return [
    '# Errors',
    '',
    'An answer of the registry that refuses a request holds',
    '`{"errors":[{"code","message","detail"}]}`. The status and the code on the wire are those of the OCI distribution',
    'specification; the log names the exact error in `err.code`.',
    '',
    '## On the wire',
    '',
    '| Error | Status | Code on the wire | Message | When | What to do |',
    '| --- | --- | --- | --- | --- | --- |',
    ...wire.map((code) => {
      const { status, oci, message, when, action } = errorEntry(code);
      return tableRow([`\`${code}\``, String(status), `\`${oci ?? 'UNKNOWN'}\``, message, when, action]);
    }),
    '',
    '## At the start and on the command line',
    '',
    '`berth` prints the error, its message and what to do. Exit status: 1 failed, 2 usage or configuration, 3 not running,',
    '4 needs consent, 5 not found.',
    '',
    '| Error | Message | When | What to do |',
    '| --- | --- | --- | --- |',
    ...local.map((code) => {
      const { message, when, action } = errorEntry(code);
      return tableRow([`\`${code}\``, message, when, action]);
    }),
    '',
  ].join('\n');
}
