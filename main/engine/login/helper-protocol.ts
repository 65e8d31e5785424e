/**
 * The protocol of Docker's credential helpers, https://github.com/docker/docker-credential-helpers: the verb is the
 * argument, the rest comes on standard input and goes to standard output, error texts too.
 *
 *     get      h:p                                                 {"ServerURL":"h:p","Username":"...","Secret":"..."}
 *     store    {"ServerURL":"h:p","Username":"...","Secret":"..."}
 *     erase    h:p
 *     list     (not read)                                          {"h:p":"user"}
 *     version  (not read)                                          docker-credential-berth 1.2.3
 *
 * Docker, Podman, Skopeo and Buildah run it; each prints what it said when it ends with 1.
 */
import { systemCode } from '../../../registry/disk/private-file.ts';
import { AppError, isAppError } from '../../../registry/spec/errors.ts';
import type { Host } from '../host.ts';
import { addressOf, listLogins, readLogin, removeLogin, saveLogin } from './logins.ts';

/** The program that Docker runs for `"credHelpers": { "h:p": "berth" }`. */
export const helperProgram = 'docker-credential-berth';

export interface HelperEnd {
  readonly code: 0 | 1;
  readonly stdout: string;
}

export interface HelperOptions {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** What `version` says. */
  readonly version: string;
}

/** Does what a client asks of the helper, and answers how the program has to end. Throws nothing. */
export async function runHelper(
  host: Host,
  args: readonly string[],
  { stdin, version }: HelperOptions,
): Promise<HelperEnd> {
  const [verb, ...more] = args;
  if (verb === undefined || more.length > 0) return failed(usage);
  try {
    switch (verb) {
      case 'get':
        return await get(host, await readInput(stdin));
      case 'store':
        return await store(host, await readInput(stdin));
      case 'erase':
        return await erase(host, await readInput(stdin));
      case 'list':
        return await list(host);
      case 'version':
        return done(`${helperProgram} ${version}\n`);
      default:
        return failed(`${helperProgram}: unknown action: ${verb}\n${usage}`);
    }
  } catch (error) {
    return failed(describe(error));
  }
}

const usage = `Usage: ${helperProgram} <store|get|erase|list|version>`;

/** Clients look for exactly this text to tell "no login" from an error. */
const notFound = 'credentials not found in native keychain';

/** A registry's token can have some KiB. */
const maxInputBytes = 64 * 1024;

async function get(host: Host, input: string): Promise<HelperEnd> {
  const serverUrl = urlIn(input);
  const address = addressOf(serverUrl);
  const login = address === undefined ? undefined : await readLogin(host, address);
  if (login === undefined) return failed(notFound);
  return done(json({ ServerURL: serverUrl, Username: login.user, Secret: login.secret }));
}

async function store(host: Host, input: string): Promise<HelperEnd> {
  const { ServerURL: serverUrl, Username: user, Secret: secret } = parseCredentials(input);
  const address = addressOf(urlIn(serverUrl));
  // The URL is not repeated: https://user:password@host would be one.
  if (address === undefined)
    throw invalid('the server URL is not the address of a registry: write HOST:PORT');
  if (typeof user !== 'string' || user === '') throw invalid('no credentials username');
  if (typeof secret !== 'string') throw invalid('no credentials secret');
  await saveLogin(host, address, { user, secret, tokenId: undefined });
  return done('');
}

/** Docker erases at every logout, several spellings of an address, and warns about an error: absent is fine. */
async function erase(host: Host, input: string): Promise<HelperEnd> {
  const address = addressOf(urlIn(input));
  if (address !== undefined) await removeLogin(host, address);
  return done('');
}

async function list(host: Host): Promise<HelperEnd> {
  const logins = await listLogins(host);
  return done(json(Object.fromEntries(logins.map(({ address, user }) => [address, user]))));
}

function urlIn(input: unknown): string {
  const serverUrl = typeof input === 'string' ? input.trim() : '';
  if (serverUrl === '') throw invalid('no credentials server URL');
  return serverUrl;
}

function parseCredentials(input: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    // The message of JSON.parse quotes the text, which holds the secret.
    throw invalid('the input of store is not valid JSON');
  }
  if (typeof value !== 'object' || value === null) throw invalid('the input of store is not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

async function readInput(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > maxInputBytes) throw invalid(`more than ${maxInputBytes / 1024} KiB on standard input`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function invalid(message: string): AppError {
  return new AppError('USAGE', { message, hint: '' });
}

/** A fault of ours is named without its message, which could quote what was read. */
function describe(error: unknown): string {
  if (isAppError(error)) return `${error.message} ${error.hint}`.trim();
  const name = systemCode(error) ?? (error instanceof Error ? error.name : typeof error);
  return `An error inside ${helperProgram} (${name}). Please report it.`;
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function done(stdout: string): HelperEnd {
  return { code: 0, stdout };
}

function failed(text: string): HelperEnd {
  return { code: 1, stdout: `${text}\n` };
}
