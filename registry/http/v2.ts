/**
 * The distribution API: one handler, judged in this order, so that no answer tells more than the caller may know:
 *
 *   Host (app) > credentials 401 > route 404 > method 405 > grammar 400 > permission 403 > existence 404
 */
import type { Auth } from '../auth/auth.ts';
import { challenge } from '../auth/challenge.ts';
import type { Scope } from '../auth/scopes.ts';
import type { Verb } from '../spec/admin/access.ts';
import { AppError, assertNever } from '../spec/errors.ts';
import { maxNameLength, parseRepoName, type RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { type BlobContext, deleteBlob, sendBlob } from './blobs.ts';
import { addWarning, type Exchange, sendJson } from './exchange.ts';
import { type ListOptions, listReferrers, listRepositories, listTags } from './lists.ts';
import { deleteManifest, type ManifestContext, putManifest, sendManifest } from './manifests.ts';
import { decodeName, decodeReference, endpoints, type Route } from './route.ts';
import type { Transfers } from './transfers.ts';
import {
  deleteUpload,
  patchUpload,
  postUpload,
  putUpload,
  sendUpload,
  type UploadContext,
} from './uploads.ts';

export interface V2Context extends UploadContext, ManifestContext, BlobContext {
  readonly store: Store;
  readonly auth: Auth;
  /** `auth.htpasswd.realm`. */
  readonly realm: () => string;
  readonly lists: () => ListOptions;
  readonly transfers: Transfers;
  readonly isReadOnly: () => boolean;
  /** Throws STORAGE_READ_ONLY where one repository is. */
  readonly mustBeWritable: (repository: RepoName) => void;
  readonly isDeleteEnabled: () => boolean;
  /** What everybody who asks `/v2/` or touches a manifest should know: expiring certificate, disk nearly full. */
  readonly warnings: () => readonly string[];
}

/** Answers a request below /v2. Throws AppError for the caller to turn into an answer. */
export async function handleV2(exchange: Exchange, context: V2Context): Promise<void> {
  const { route } = exchange;
  await judgeCredentials(exchange, context, route);
  if (route === undefined) throw new AppError('ROUTE_UNKNOWN');
  judgeMethod(exchange, route);
  if (route.endpoint === 'base') {
    for (const text of context.warnings()) addWarning(exchange, text);
    sendJson(exchange, 200, {});
    return;
  }
  if (route.endpoint === 'catalog') {
    await listRepositories(exchange, context.store, context.lists());
    return;
  }
  const repository = readName(route);
  const reference = decodeReference(route.reference);
  exchange.vars = variablesOf(route, repository, reference);
  context.transfers.begin(exchange, repository);
  judgePermission(exchange, context, { repository, verb: verbOf(exchange, route) });
  await answer(exchange, context, { repository, reference, endpoint: route.endpoint });
}

async function judgeCredentials(
  exchange: Exchange,
  { auth, realm }: V2Context,
  route: Route | undefined,
): Promise<void> {
  const { req, address, origin, host: service, prefix } = exchange;
  const { authorization } = req.headers;
  const identity = await auth.identify(
    { authorization, address, client: req.headers['user-agent'], service },
    exchange,
  );
  exchange.caller = identity.kind === 'caller' ? identity.caller : auth.anonymous;
  // Only tokens can be of too small a scope; what a user may have is judged with the repository.
  if (identity.kind === 'caller' && identity.scheme === 'basic') return;
  const repository = route === undefined ? undefined : parseRepoName(decodeReference(route.name));
  const header = challenge({
    identity,
    // Where an upload stands is for those who may push, though one asks for it by GET.
    isRead: isRead(exchange) && (route === undefined || verbOf(exchange, route) === 'pull'),
    isBase: route?.endpoint === 'base',
    repositoryOpen: repository !== undefined && auth.isOpen(repository),
    anonymousOn: auth.isAnonymousOn,
    realm: realm(),
    tokenUrl: `${origin}${prefix}/token`,
    service,
    neededScope: route === undefined ? undefined : neededScope(exchange, route, repository),
  });
  if (header === undefined) return;
  exchange.res.setHeader('WWW-Authenticate', header);
  throw identity.kind === 'none'
    ? new AppError('UNAUTHORIZED')
    : new AppError('UNAUTHORIZED', {
        message: 'The user name or password is wrong, or the token is no longer valid.',
      });
}

function neededScope(exchange: Exchange, route: Route, repository: RepoName | undefined): Scope | undefined {
  if (route.endpoint === 'catalog') return { kind: 'catalog' };
  if (repository === undefined) return undefined;
  const verb = verbOf(exchange, route);
  return { kind: 'repository', repository, verbs: verb === 'push' ? ['pull', 'push'] : [verb] };
}

function judgeMethod({ req, res }: Exchange, { endpoint }: Route): void {
  const methods = allowedMethods(endpoint);
  if (methods.includes(req.method ?? '')) return;
  res.setHeader('Allow', methods.join(', '));
  throw new AppError('METHOD_UNSUPPORTED', { message: `This endpoint supports ${methods.join(', ')}.` });
}

/** The methods of an endpoint, for Allow. HEAD goes wherever GET goes (RFC 9110 9.3.2). */
export function allowedMethods(endpoint: Route['endpoint']): readonly string[] {
  return allowed[endpoint];
}

const allowed = Object.fromEntries(
  Object.entries(endpoints).map(([endpoint, { methods }]) => {
    const [first = '', ...others] = Object.keys(methods);
    const withHead = first === 'GET' && !others.includes('HEAD') ? ['HEAD', ...others] : others;
    return [endpoint, [first, ...withHead]];
  }),
) as unknown as Readonly<Record<Route['endpoint'], readonly string[]>>;

function readName({ name }: Route): RepoName {
  const repository = parseRepoName(decodeName(name));
  if (repository !== undefined) return repository;
  const message = `The repository name is longer than ${maxNameLength} characters.`;
  throw new AppError('NAME_INVALID', name.length > maxNameLength ? { message } : {});
}

/** What the parts of the path are called in the log. */
function variablesOf({ endpoint }: Route, name: RepoName, reference: string): Exchange['vars'] {
  if (reference === '') return { 'vars.name': name };
  if (endpoint === 'upload') return { 'vars.name': name, 'vars.uuid': reference };
  if (endpoint === 'manifest') return { 'vars.name': name, 'vars.reference': reference };
  return { 'vars.name': name, 'vars.digest': reference };
}

function isRead({ req }: Exchange): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}

function verbOf(exchange: Exchange, { endpoint }: Route): Verb {
  if (endpoint === 'upload' || endpoint === 'uploads') return 'push';
  if (isRead(exchange)) return 'pull';
  return exchange.req.method === 'DELETE' ? 'delete' : 'push';
}

function judgePermission(
  exchange: Exchange,
  { isReadOnly, mustBeWritable, isDeleteEnabled }: V2Context,
  { repository, verb }: { readonly repository: RepoName; readonly verb: Verb },
): void {
  const { caller } = exchange;
  if (!caller.can(verb, repository)) {
    const who = caller.name === '' ? 'Without login you' : `The user ${caller.name}`;
    throw new AppError('DENIED', {
      message: `${who} may not ${verb} in ${repository}. An administrator of this registry can allow it.`,
      detail: { name: repository, verb },
    });
  }
  if (!isRead(exchange) && isReadOnly()) throw new AppError('STORAGE_READ_ONLY');
  if (!isRead(exchange)) mustBeWritable(repository);
  if (verb === 'delete' && !isDeleteEnabled()) throw new AppError('DELETE_DISABLED');
}

async function answer(
  exchange: Exchange,
  context: V2Context,
  {
    endpoint,
    repository,
    reference,
  }: {
    readonly endpoint: Exclude<Route['endpoint'], 'base' | 'catalog'>;
    readonly repository: RepoName;
    readonly reference: string;
  },
): Promise<void> {
  const { method } = exchange.req;
  switch (endpoint) {
    case 'tags':
      return await listTags(exchange, context.store, repository, context.lists());
    case 'referrers':
      return await listReferrers(exchange, context.store, repository, {
        reference,
        indexed: context.lists().indexed,
      });
    case 'blob':
      return method === 'DELETE'
        ? await deleteBlob(exchange, context.store.blobs, repository, reference)
        : await sendBlob(exchange, context, repository, reference);
    case 'uploads':
      return await postUpload(exchange, context, repository);
    case 'upload':
      return await (uploadHandlers[method ?? ''] ?? sendUpload)(exchange, context, repository, reference);
    case 'manifest':
      if (method !== 'DELETE') for (const text of context.warnings()) addWarning(exchange, text);
      if (method === 'PUT') warnOfLength(exchange, repository);
      return await (manifestHandlers[method ?? ''] ?? sendManifest)(exchange, context, repository, reference);
    default:
      return assertNever(endpoint);
  }
}

const uploadHandlers: Readonly<Record<string, typeof sendUpload>> = {
  PATCH: patchUpload,
  PUT: putUpload,
  DELETE: deleteUpload,
};
const manifestHandlers: Readonly<Record<string, typeof sendManifest>> = {
  PUT: putManifest,
  DELETE: deleteManifest,
};

/** Clients that count the host into the 255 characters of a name cannot pull it back. */
function warnOfLength(exchange: Exchange, repository: RepoName): void {
  const { host } = exchange;
  if (host.length + 1 + repository.length > maxNameLength) {
    addWarning(
      exchange,
      `host and repository name together exceed ${maxNameLength} characters: some clients refuse them`,
    );
  }
}
