/**
 * Which endpoint a path of the distribution API names. Names contain slashes, so paths are matched from their end.
 * The table is also the source of docs/reference/http.md.
 */
import { AppError } from '../spec/errors.ts';

export type EndpointName =
  'base' | 'catalog' | 'tags' | 'blob' | 'uploads' | 'upload' | 'manifest' | 'referrers';

/** The endpoints: path as documented, what each method does. */
export const endpoints: Readonly<
  Record<EndpointName, { readonly path: string; readonly methods: Readonly<Record<string, string>> }>
> = {
  base: { path: '/v2/', methods: { GET: 'Tells that this is a registry, and whether the login is valid.' } },
  catalog: {
    path: '/v2/_catalog',
    methods: { GET: 'Lists the repositories the caller may pull, `n` at a time, those after `last`.' },
  },
  tags: {
    path: '/v2/<name>/tags/list',
    methods: {
      GET: 'Lists the tags in byte order, or by `sort` (`name`, `-name`, `pushed`, `-pushed`, `semver`); `n`, `last`.',
    },
  },
  blob: {
    path: '/v2/<name>/blobs/<digest>',
    methods: {
      GET: 'The bytes of a blob; `Range` with up to 16 ranges, `If-None-Match`, `If-Range`.',
      HEAD: 'The size of a blob.',
      DELETE: 'Takes the blob out of the repository.',
    },
  },
  uploads: {
    path: '/v2/<name>/blobs/uploads/',
    methods: {
      POST: 'Opens an upload; or mounts (`mount`, `from`); or stores the body as the blob `digest`. `digest-algorithm`.',
    },
  },
  upload: {
    path: '/v2/<name>/blobs/uploads/<uuid>',
    methods: {
      GET: 'Where the upload stands.',
      HEAD: 'Where the upload stands.',
      PATCH: 'Appends a chunk, with or without `Content-Range`.',
      PUT: 'Ends the upload as the blob `digest`; the body may carry the last chunk.',
      DELETE: 'Cancels the upload.',
    },
  },
  manifest: {
    path: '/v2/<name>/manifests/<reference>',
    methods: {
      GET: 'The manifest of a tag or digest, unchanged, whatever `Accept` says.',
      HEAD: 'Its digest, size and type.',
      PUT: 'Stores a manifest; by digest with up to 50 `tag` parameters.',
      DELETE: 'Removes a tag; or, by digest, the manifest and its tags.',
    },
  },
  referrers: {
    path: '/v2/<name>/referrers/<digest>',
    methods: { GET: 'Lists the manifests whose subject is the digest; `artifactType`, `n`, `last`.' },
  },
};

/** A matched path; `name` and `reference` are decoded once and not yet checked. */
export interface Route {
  readonly endpoint: EndpointName;
  readonly name: string;
  readonly reference: string;
}

/** Matches a path below `/v2`. Answers `undefined` when no endpoint has this form. */
export function matchRoute(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { endpoint: 'base', name: '', reference: '' };
  if (!path.startsWith('/v2/')) return undefined;
  if (path === '/v2/_catalog') return { endpoint: 'catalog', name: '', reference: '' };
  const [beforeLast, last] = cutLast(path);
  const [beforeSecond, second] = cutLast(beforeLast);
  const route = (endpoint: EndpointName, before: string, reference: string): Route | undefined =>
    before.length > '/v2'.length ? { endpoint, name: before.slice('/v2/'.length), reference } : undefined;
  if (second === 'uploads' && beforeSecond.endsWith('/blobs')) {
    const before = beforeSecond.slice(0, -'/blobs'.length);
    return last === '' ? route('uploads', before, '') : route('upload', before, last);
  }
  if (second === 'blobs' && last === 'uploads') return route('uploads', beforeSecond, '');
  if (second === 'tags' && last === 'list') return route('tags', beforeSecond, '');
  if (second === 'blobs') return route('blob', beforeSecond, last);
  if (second === 'manifests') return route('manifest', beforeSecond, last);
  if (second === 'referrers') return route('referrers', beforeSecond, last);
  return undefined;
}

/** What stands before the last slash of a path, and what behind it. */
function cutLast(path: string): readonly [before: string, last: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

/**
 * Decodes one part of a path, once. An encoded slash, a control character or bad UTF-8 in it is refused, since the
 * next reader of the path might understand it differently.
 * @throws AppError NAME_INVALID
 */
export function decodeName(raw: string): string {
  if (!raw.includes('%')) return raw;
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    throw new AppError('NAME_INVALID', {
      message: 'The repository name is not valid percent-encoded UTF-8.',
    });
  }
  if (/%2f/i.test(raw)) {
    throw new AppError('NAME_INVALID', { message: 'The repository name must not hold an encoded slash.' });
  }
  return text;
}

/** Decodes a tag, digest or id; text that cannot be decoded is answered as it is, and fails its grammar. */
export function decodeReference(raw: string): string {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}
