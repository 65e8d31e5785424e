/** What is answered below `berth://app/`: files of one folder, with the policy of the page. */
import { extname, join } from 'node:path';
import { pagePolicy } from '../registry/spec/page-policy.ts';

/** What is not in this table is not served. */
const contentTypes: Readonly<Record<string, string | undefined>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const headers = {
  ...pagePolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The names of files are plain, so that no path leads out of the folder: no dot at a start, no percent sign. */
const plainPath = /^\/((?:[\w-][\w.-]*\/)*[\w-][\w.-]*)$/;

/** Never rejects: what is not there is 404. */
export async function answerFile(
  request: { readonly url: string; readonly method: string },
  folder: string,
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Response> {
  const { host, pathname } = new URL(request.url);
  const name = plainPath.exec(pathname === '/' ? '/index.html' : pathname)?.[1] ?? '';
  const contentType = contentTypes[extname(name)];
  if (host !== 'app' || request.method !== 'GET' || contentType === undefined) return refuse();
  try {
    const bytes = await read(join(folder, name));
    return new Response(bytes, { headers: { ...headers, 'Content-Type': contentType } });
  } catch {
    return refuse();
  }
}

function refuse(): Response {
  return new Response('', { status: 404, headers });
}
