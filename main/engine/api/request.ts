/** One request to the API of Docker, or of an engine that speaks it (docs.docker.com/reference/api/engine). */
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { systemCode } from '../../../registry/disk/private-file.ts';
import { AppError, assertNever } from '../../../registry/spec/errors.ts';
import type { Endpoint } from '../engine.ts';
import { parseFields, textOf } from './fields.ts';

export interface EngineRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, without a version: the engine then takes its newest one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes are sent as they are, as a tar archive; any other value as JSON. */
  readonly body?: object;
  /** Silence for so many milliseconds ends the request; 20,000 when absent, never when 0. */
  readonly timeoutMs?: number;
  /** Ends the request, which then throws the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

export interface EngineAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What waits for an engine can be ended. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The largest answer that is read, in bytes: far more than a list of containers, less than a folder of images. */
const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Sends one request on a connection of its own and answers the whole response, whatever its status. For endpoints whose
 * answer is small, or ends. Throws ENGINE_FAILED when nobody answers (`cause` is the system's error), or too much.
 */
export async function requestEngine(endpoint: Endpoint, request: EngineRequest): Promise<EngineAnswer> {
  const response = await openEngineStream(endpoint, request);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      sizeBytes += part.byteLength;
      if (sizeBytes > maxAnswerBytes) {
        throw new AppError('ENGINE_FAILED', {
          message: `The engine at ${describeEndpoint(endpoint)} answers with more than ${maxAnswerBytes} bytes.`,
        });
      }
      parts.push(part);
    }
  } catch (error) {
    throw asEngineError(endpoint, error, request.signal);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) };
}

/**
 * The same for requests that must succeed: throws ENGINE_FAILED for a status of 400 and more, `TASK: SENTENCE OF THE
 * ENGINE`, with the status as `detail.status`. The task is how people call it: `cannot push x`.
 */
export async function askEngine(
  endpoint: Endpoint,
  task: string,
  request: EngineRequest,
): Promise<EngineAnswer> {
  const answer = await requestEngine(endpoint, request);
  if (answer.status >= 400) {
    throw engineRefusal(endpoint, task, engineMessage(answer), { status: answer.status });
  }
  return answer;
}

/** The error for a task that the engine refused with a sentence. */
export function engineRefusal(endpoint: Endpoint, task: string, sentence: string, detail?: object): AppError {
  return new AppError('ENGINE_FAILED', {
    message: `The engine at ${describeEndpoint(endpoint)} ${task}: ${sentence}`,
    detail,
  });
}

/**
 * The same for an answer that goes on, such as events: resolves with the head; the caller reads, or destroys it. What
 * ends it early destroys it with the error: the reason of the signal, or the silence. Throws ENGINE_FAILED.
 */
export async function openEngineStream(
  endpoint: Endpoint,
  { method = 'GET', path, headers = {}, body, timeoutMs = 20_000, signal }: EngineRequest,
): Promise<IncomingMessage> {
  const isBytes = body instanceof Uint8Array;
  const payload = body === undefined || isBytes ? body : Buffer.from(JSON.stringify(body));
  const connection = await connectionOf(endpoint);
  signal?.throwIfAborted();
  const send = 'ca' in connection ? httpsRequest : httpRequest;
  const outgoing = send({
    ...connection,
    method,
    path,
    headers: {
      ...(payload === undefined
        ? {}
        : {
            // Go's ParseForm would eat a body without a type of its own.
            'content-type': isBytes ? 'application/x-tar' : 'application/json',
            'content-length': payload.byteLength,
          }),
      ...headers,
    },
    agent: false,
    timeout: timeoutMs,
  });
  let response: IncomingMessage | undefined;
  // Node tells the reader of a response only `aborted` when its request is destroyed.
  const cut = (error: Error): void => void (response ?? outgoing).destroy(error);
  const onAbort = (): void => cut(new Error('aborted', { cause: signal?.reason }));
  signal?.addEventListener('abort', onAbort, { once: true });
  outgoing.on('close', () => signal?.removeEventListener('abort', onAbort));
  outgoing.on('timeout', () => cut(new Error(`silent for ${timeoutMs} ms`)));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.once('response', (head) => {
      response = head;
      resolve(head);
    });
  });
  outgoing.end(payload);
  try {
    return await answered;
  } catch (error) {
    throw asEngineError(endpoint, error, signal);
  }
}

/** A path with a query; a list makes its field come more than once. */
export function withQuery(
  path: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
): string {
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    [value].flat().map((item): [string, string] => [key, item]),
  );
  return `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** The sentence of an error answer: `{"message":"..."}`, else the text. */
export function engineMessage({ status, body }: EngineAnswer): string {
  const text = body.toString('utf8').trim();
  return textOf(parseFields(text)['message']) ?? (text === '' ? `status ${status}` : text);
}

/** The value of an answer in JSON. Throws ENGINE_FAILED for anything else: then it is no engine that answers. */
export function engineJson(endpoint: Endpoint, { body }: Pick<EngineAnswer, 'body'>): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new AppError('ENGINE_FAILED', {
      message: `What answers at ${describeEndpoint(endpoint)} is no container engine: its answer is no JSON.`,
      hint: 'Check the address of the engine: DOCKER_HOST, or the context of docker.',
      cause: error,
    });
  }
}

/** How people know the endpoint, in the form of DOCKER_HOST. */
export function describeEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'socket':
      return endpoint.path.startsWith('\\\\')
        ? `npipe://${endpoint.path.replaceAll('\\', '/')}`
        : `unix://${endpoint.path}`;
    case 'tcp':
      return `tcp://${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
    case 'ssh':
      return endpoint.url;
    default:
      return assertNever(endpoint);
  }
}

/**
 * What to throw for a failed request: an AppError as it is, the reason of a signal that ended it, else ENGINE_FAILED.
 */
export function asEngineError(endpoint: Endpoint, error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof AppError) return error;
  if (signal?.aborted === true) return signal.reason;
  const code = systemCode(error);
  return new AppError('ENGINE_FAILED', {
    message: `The engine at ${describeEndpoint(endpoint)} does not answer: ${code ?? (error instanceof Error ? error.message : String(error))}.`,
    hint:
      code === 'EACCES'
        ? 'This user may not use its socket: run the command with sudo, or join the group docker.'
        : 'Start the engine, then try again.',
    cause: error,
  });
}

async function connectionOf(endpoint: Endpoint) {
  switch (endpoint.kind) {
    case 'socket':
      return { socketPath: endpoint.path };
    case 'tcp': {
      const { host, port, tlsFolder } = endpoint;
      return tlsFolder === undefined ? { host, port } : { host, port, ...(await readTlsFolder(tlsFolder)) };
    }
    case 'ssh':
      throw new AppError('ENGINE_FAILED', {
        message: `The engine at ${endpoint.url} is on another computer.`,
        hint: 'Run berth on that computer.',
      });
    default:
      return assertNever(endpoint);
  }
}

/** The three files of DOCKER_CERT_PATH (docs.docker.com/engine/security/protect-access). */
async function readTlsFolder(folder: string) {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(join(folder, 'ca.pem')),
      readFile(join(folder, 'cert.pem')),
      readFile(join(folder, 'key.pem')),
    ]);
    return { ca, cert, key };
  } catch (error) {
    throw new AppError('ENGINE_FAILED', {
      message: `Cannot read ca.pem, cert.pem and key.pem in "${folder}": ${systemCode(error) ?? 'unknown error'}.`,
      hint: 'Check DOCKER_CERT_PATH, or the context of docker.',
      cause: error,
    });
  }
}
