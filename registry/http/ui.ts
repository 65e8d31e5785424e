/**
 * The window for browsers, below /ui/. What can be asked for are the names that were in the directory at the start: a
 * request chooses among them and never becomes a path. Whoever comes gets the files; what they show asks for a login.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, errorEntry } from '../spec/errors.ts';
import { pagePolicy } from '../spec/page-policy.ts';
import { harden } from './api/judge.ts';
import { isUnchanged } from './blobs.ts';
import { type Exchange, sendEmpty } from './exchange.ts';

export interface Ui {
  /** Whether it answers this request: its own paths, and `/` where a browser wants a page. */
  takes(exchange: Exchange): boolean;
  /** Throws AppError for the caller to answer. */
  answer(exchange: Exchange): Promise<void>;
}

/** The directory with the files of the window, which may be absent; or the files by their names in a URL below /ui/. */
export type WindowFiles = string | ReadonlyMap<string, Uint8Array>;

export interface UiOptions {
  /** What the build has made; `undefined` for nothing. */
  readonly files: WindowFiles | undefined;
  /** `berth.web.enabled`. */
  readonly isEnabled: boolean;
}

/** The paths, for the page that lists them. */
export const uiPaths = [
  { path: '/ui', methods: ['GET'], does: 'Leads to `/ui/`.' },
  {
    path: '/ui/<file>',
    methods: ['GET'],
    does: 'The window for browsers, and its files. Over HTTPS only, where plain HTTP is led to, and only with `berth.web.enabled`.',
  },
] as const;

/** A path, or the bytes. */
type Body = string | Uint8Array;

interface UiFile {
  readonly body: Body;
  readonly contentType: string;
  /** Without its quotes. */
  readonly etag: string;
  readonly cacheControl: string;
  /** The same, compressed; where the build has written it. */
  readonly gzip?: { readonly body: Body; readonly etag: string };
}

type UiFiles = ReadonlyMap<string, UiFile>;

const index = 'index.html';

/** What is not in this table is not served. */
const contentTypes: Readonly<Record<string, string | undefined>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Makes the window, with the files that are there now. */
export async function openUi({ files: given, isEnabled }: UiOptions): Promise<Ui> {
  const files = given === undefined || !isEnabled ? new Map<string, UiFile>() : await listFiles(given);

  function find(path: string): UiFile {
    if (!isEnabled) {
      const { message, action } = errorEntry('UI_OFF');
      throw new AppError('UI_OFF', { message: `${message} ${action}` });
    }
    if (!files.has(index)) {
      const message = 'The window for browsers is not built. Build it with npm run build, and restart.';
      throw new AppError('ROUTE_UNKNOWN', { message });
    }
    const name = path.slice('/ui/'.length);
    const file = files.get(name === '' ? index : name);
    if (file === undefined) throw new AppError('ROUTE_UNKNOWN');
    return file;
  }

  return {
    takes: (exchange) => isUiPath(exchange.path) || (isEnabled && isBrowserAtDoor(exchange)),
    async answer(exchange) {
      const { req, res, path, origin, prefix } = exchange;
      harden(exchange);
      const isLink = path === '/' || path === '/ui';
      const file = find(isLink ? '/ui/' : path);
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        res.setHeader('Allow', 'GET, HEAD');
        throw new AppError('METHOD_UNSUPPORTED');
      }
      // Relative, since a proxy may have taken off a prefix that it does not tell.
      if (path === '/ui') return sendEmpty(exchange, 308, { Location: 'ui/' });
      // Of what is at `/` for others, nobody may remember that it leads elsewhere.
      if (path === '/') return sendEmpty(exchange, 307, { Location: 'ui/', Vary: 'Accept' });
      if (!origin.startsWith('https:')) {
        checkDirect(exchange);
        const secure = origin.replace('http:', 'https:');
        return sendEmpty(exchange, 307, { Location: `${secure}${prefix}/ui/` });
      }
      await sendFile(exchange, file);
    },
  };
}

function isUiPath(path: string): boolean {
  return path === '/ui' || path.startsWith('/ui/');
}

/** Programs that look whether somebody is there take any type, and get the empty answer of all registries. */
function isBrowserAtDoor({ req, path }: Exchange): boolean {
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  return path === '/' && isRead && /(?:^|,) *text\/html *(?:[,;]|$)/i.test(req.headers.accept ?? '');
}

/** A proxy that takes HTTPS and does not say so would be led here again and again. Throws HTTPS_NEEDED. */
function checkDirect({ req }: Exchange): void {
  const { forwarded, via, 'x-forwarded-for': hops } = req.headers;
  if (forwarded === undefined && via === undefined && hops === undefined) return;
  throw new AppError('HTTPS_NEEDED', {
    message: 'The window speaks HTTPS only. A trusted proxy says that it does by X-Forwarded-Proto.',
  });
}

async function sendFile(exchange: Exchange, file: UiFile): Promise<void> {
  const { req, res, signal } = exchange;
  const chosen = file.gzip !== undefined && takesGzip(req.headers['accept-encoding']) ? file.gzip : file;
  const { body } = chosen;
  await using opened = typeof body === 'string' ? await openFile(body) : undefined;
  const size = opened === undefined ? body.length : (await opened.stat()).size;
  for (const [name, value] of Object.entries(pagePolicy)) res.setHeader(name, value);
  res.setHeader('Cache-Control', file.cacheControl);
  res.setHeader('ETag', `"${chosen.etag}"`);
  if (file.gzip !== undefined) res.setHeader('Vary', 'Accept-Encoding');
  if (isUnchanged(req.headers['if-none-match'], chosen.etag)) return sendEmpty(exchange, 304, {});
  res.setHeader('Content-Type', file.contentType);
  res.setHeader('Content-Length', size);
  if (chosen !== file) res.setHeader('Content-Encoding', 'gzip');
  if (req.method === 'HEAD' || size === 0) return void res.end();
  if (opened === undefined) return void res.end(body);
  await pipeline(opened.createReadStream({ autoClose: false, end: size - 1 }), res, { signal: signal() });
}

async function openFile(path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    // ELOOP: it has become a link.
    if (!['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    const message = 'This file of the window is gone: it was built anew. Restart the registry.';
    throw new AppError('ROUTE_UNKNOWN', { message });
  }
}

/** RFC 9110 12.5.3. */
function takesGzip(header = ''): boolean {
  const offers = header.split(',').map((each) => /^\s*([\w*-]+)\s*(?:;\s*q=([\d.]+)\s*)?$/i.exec(each));
  const offerOf = (name: string) => offers.find((offer) => offer?.[1]?.toLowerCase() === name);
  const offer = offerOf('gzip') ?? offerOf('*');
  return offer !== undefined && Number(offer?.[2] ?? 1) > 0;
}

async function listFiles(given: WindowFiles): Promise<UiFiles> {
  const bodies = typeof given === 'string' ? await listDirectory(given) : given;
  const listed = [...bodies].map(async ([name, body]): Promise<readonly (readonly [string, UiFile])[]> => {
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined) return [];
    const hash = createHash('sha256')
      .update(typeof body === 'string' ? await readFile(body) : body)
      .digest('base64url')
      .slice(0, 22);
    const compressed = bodies.get(`${name}.gz`);
    const gzip = compressed === undefined ? {} : { gzip: { body: compressed, etag: `${hash}.gz` } };
    return [[name, { body, contentType, etag: hash, cacheControl: cacheControlOf(name), ...gzip }]];
  });
  return new Map((await Promise.all(listed)).flat());
}

/** The paths of the files below a directory by their names in a URL; none if it is absent. Links and hidden files are left out. */
async function listDirectory(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(name));
  return new Map(names.map((name) => [name, join(directory, name)]));
}

/** The name of an asset changes with its content, by a hash of 8 characters or more at its end. */
function cacheControlOf(name: string): string {
  if (/^assets\/.+-[\w-]{8,}\.\w+$/.test(name)) return 'public, max-age=31536000, immutable';
  // Browsers ask for the icon anew with each change of the address.
  return name.endsWith('.svg') ? 'public, max-age=3600' : 'no-cache';
}
