import { apiEndpoints } from '../registry/http/api/endpoints.ts';
import { endpoints } from '../registry/http/route.ts';
import { uiPaths } from '../registry/http/ui.ts';
import { type ErrorCode, errorEntry, errors } from '../registry/spec/errors.ts';

/** The pages beside /v2, which registry/http/small-pages.ts serves. */
export const smallPages = [
  {
    path: '/',
    methods: ['GET'],
    does: 'An empty answer with 200, for health checks written for other registries. A browser is led to `/ui/`, if that is switched on.',
  },
  { path: '/livez', methods: ['GET'], does: '200 as long as the process answers.' },
  {
    path: '/readyz',
    methods: ['GET'],
    does: '200 when pushes and pulls can work, otherwise 503 with the names of the checks that fail.',
  },
  {
    path: '/token',
    methods: ['GET', 'POST'],
    does: 'Gives a Bearer token for `service` and `scope`. The login comes as Basic, or on POST as a form with `grant_type=password`.',
  },
] as const;

/** The page docs/reference/http.md. */
export function renderHttpPage(): string {
  return [
    '# HTTP',
    '',
    'One port speaks HTTPS and plain HTTP. Plain HTTP is answered on loopback only, unless `berth.listen.plain` says',
    'otherwise; others get 426.',
    '`HEAD` works wherever `GET` does, and `OPTIONS` names the methods, without a login; neither below `/api`.',
    '',
    '## The distribution API',
    '',
    'OCI distribution-spec 1.1, and of the draft of 1.2 `digest-algorithm` on POST and `tag` on PUT.',
    'Judged in this order: Host, login, path, method, names, permission, then whether the thing exists.',
    '',
    '| Method | Path | What it does |',
    '| --- | --- | --- |',
    ...Object.values(endpoints).flatMap(({ path, methods }) =>
      Object.entries(methods).map(([method, does]) => `| ${method} | \`${path}\` | ${does} |`),
    ),
    '',
    '## Other pages',
    '',
    '| Method | Path | What it does |',
    '| --- | --- | --- |',
    ...[...smallPages, ...uiPaths].map(
      ({ path, methods, does }) => `| ${methods.join(', ')} | \`${path}\` | ${does} |`,
    ),
    '',
    'With `http.debug.addr` a second listener, which asks for no login, answers `/debug/health`, and the metrics for',
    'Prometheus at `http.debug.prometheus.path` if `http.debug.prometheus.enabled` is true.',
    '',
    '## The control plane for browsers',
    '',
    'Over HTTPS only, and only with `berth.web.enabled`; otherwise these are 404. Judged in this order: Host, TLS, page',
    '(`Origin`, `Sec-Fetch-Site`), path, method, session, CSRF token. Writes, and the WebSocket, need an `Origin` that is',
    'scheme, host and port of the registry as the client asks it. A write needs the token in `X-Berth-CSRF`; a login needs',
    '`Content-Type: application/json` instead.',
    '',
    '| Method | Path | What it does |',
    '| --- | --- | --- |',
    ...Object.values(apiEndpoints).flatMap(({ path, methods }) =>
      Object.entries(methods).map(([method, does]) => `| ${method} | \`${path}\` | ${does} |`),
    ),
    '',
    'The WebSocket carries one JSON message in each text frame, of at most 1 MiB. When its session ends it is closed with',
    'the code 4401 and the reason `logout`, `replaced`, `idle`, `expired`, `revoked` or `demoted`; when the registry stops,',
    'with 1001 and the reason `the registry stops`, or `the registry stops: USER` where somebody has asked for it.',
    '',
    '## Errors',
    '',
    'A refused request is answered with `{"errors":[{"code","message","detail"}]}`. [errors.md](errors.md) says when each',
    'error happens and what to do.',
    '',
    '| Status | Code on the wire | Errors |',
    '| --- | --- | --- |',
    ...wireCodes().map(
      ({ status, oci, codes }) =>
        `| ${status} | \`${oci}\` | ${codes.map((code) => `\`${code}\``).join(', ')} |`,
    ),
    '',
  ].join('\n');
}

/** The errors by what a client sees of them, in the order of status and code. */
function wireCodes() {
  const codes = (Object.keys(errors) as ErrorCode[]).filter((code) => errorEntry(code).status !== undefined);
  const groups = Map.groupBy(codes, (code) => `${errorEntry(code).status} ${errorEntry(code).oci}`);
  return [...groups.keys()].toSorted().map((key) => {
    const [status, oci] = key.split(' ');
    return { status, oci, codes: groups.get(key) ?? [] };
  });
}
