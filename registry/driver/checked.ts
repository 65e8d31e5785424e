/**
 * What every driver is wrapped in: checks keys, times the calls, writes distribution's debug line
 * (`filesystem.Stat("/docker/...")`) and is the only place that turns the errors of Node into AppError.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { Readable } from 'node:stream';

import { systemCode } from '../disk/private-file.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';

import type { Driver, Part, Reader, Stages } from './driver.ts';
import { isKey } from './keys.ts';

/** One call of a driver: distribution's name for it, what it is about, and what it asks of the medium. */
interface Call {
  readonly name: 'Stat' | 'Reader' | 'GetContent' | 'PutContent' | 'List' | 'Delete' | 'Writer' | 'Move';
  readonly key: string;
  /** The second argument, as it stands in the line. */
  readonly also?: string;
  readonly verb: 'read' | 'write' | 'remove';
}

/** Notes the start of a call and answers what notes its end; `undefined` where nobody wants to know. */
type Trace = (call: Call) => (() => void) | undefined;

/**
 * The driver, with AppError for its failures: STORAGE_FULL, STORAGE_READ_ONLY, CANCELLED, and STORAGE_FAILED for the
 * rest; the medium's error is the cause. A key that breaks the grammar is a bug of the caller: a plain Error.
 */
export function checked(driver: Driver, options: { readonly log?: Log } = {}): Driver {
  const trace = createTrace(driver.name, options.log?.for('driver'));
  const { free } = driver;

  return {
    name: driver.name,
    stat(key) {
      return run(trace, { name: 'Stat', key, verb: 'read' }, () => driver.stat(key));
    },
    async open(key) {
      const call: Call = { name: 'Reader', key, also: '0', verb: 'read' };
      const reader = await run(trace, call, () => driver.open(key));
      return reader && checkReader(reader, call);
    },
    readSmall(key, limit) {
      return run(trace, { name: 'GetContent', key, verb: 'read' }, () => driver.readSmall(key, limit));
    },
    write(key, bytes, how) {
      return run(trace, { name: 'PutContent', key, verb: 'write' }, () => driver.write(key, bytes, how));
    },
    async commit(stages) {
      await runWrites(trace, stages, () => driver.commit(stages));
    },
    async *list(prefix, how) {
      const call: Call = { name: 'List', key: prefix, verb: 'read' };
      if (prefix !== '') assertKey(prefix);
      const done = trace(call);
      try {
        yield* driver.list(prefix, how);
      } catch (error) {
        throw translate(error, call);
      } finally {
        done?.();
      }
    },
    remove(key) {
      return run(trace, { name: 'Delete', key, verb: 'remove' }, () => driver.remove(key));
    },
    async removeTree(prefix, how) {
      const call: Call = { name: 'Delete', key: prefix, verb: 'remove' };
      return run(trace, call, () => driver.removeTree(prefix, how));
    },
    async openPart(key, how) {
      const call: Call = { name: 'Writer', key, also: String(!how.create), verb: 'write' };
      const beside = how.beside === undefined ? [] : [[how.beside]];
      const part = await run(trace, call, () => runWrites(trace, beside, () => driver.openPart(key, how)));
      return part && checkPart(part, key, trace);
    },
    ...(free && {
      async free() {
        try {
          return await free();
        } catch (error) {
          throw translate(error, { name: 'Stat', key: '', verb: 'read' });
        }
      },
    }),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

function checkReader(reader: Reader, call: Call): Reader {
  async function tell<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw translate(error, call);
    }
  }

  return {
    size: reader.size,
    read: (into, position) => tell(() => reader.read(into, position)),
    readHashed: (block, position, hash) => tell(() => reader.readHashed(block, position, hash)),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function checkPart(part: Part, key: string, trace: Trace): Part {
  const writing: Call = { name: 'Writer', key, also: 'true', verb: 'write' };
  return {
    get size() {
      return part.size;
    },
    async append(source, options) {
      const failure: { of?: unknown } = {};
      try {
        return await part.append(noteFailure(source, failure), options);
      } catch (error) {
        // The source's failure is not the storage's: it goes on as it is, unless it says that the client left.
        if (error === failure.of && !isCancelled(error)) throw error;
        throw translate(error, writing);
      }
    },
    async truncate(size) {
      return run(trace, writing, () => part.truncate(size));
    },
    read: (options) => translateStream(part.read(options), { name: 'Reader', key, also: '0', verb: 'read' }),
    async commit(target, how = {}) {
      assertKey(target);
      if (how.clear !== undefined) assertKey(how.clear);
      const call: Call = { name: 'Move', key, also: `"/${target}"`, verb: 'write' };
      return run(trace, call, () => runWrites(trace, how.after ?? [], () => part.commit(target, how)));
    },
    async discard() {
      return run(trace, { name: 'Delete', key, verb: 'remove' }, () => part.discard());
    },
    [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
  };
}

async function run<T>(trace: Trace, call: Call, task: () => Promise<T>): Promise<T> {
  assertKey(call.key);
  const done = trace(call);
  try {
    return await task();
  } catch (error) {
    throw translate(error, call);
  } finally {
    done?.();
  }
}

/** Runs what writes several keys: a line for each of them, and an error that names the first. */
async function runWrites<T>(trace: Trace, stages: Stages, task: () => Promise<T>): Promise<T> {
  return await stages.flat().reduceRight<() => Promise<T>>(
    (inner, { key }) =>
      () =>
        run(trace, { name: 'PutContent', key, verb: 'write' }, inner),
    task,
  )();
}

function assertKey(key: string): void {
  if (!isKey(key)) throw new Error(`not a storage key: ${JSON.stringify(key.slice(0, 300))}`);
}

/** The debug line of distribution's driver/base: the call as msg, `trace.id`, `trace.duration` as Go writes it. */
function createTrace(driverName: string, log: Log | undefined): Trace {
  return ({ name, key, also }) => {
    if (log?.enabled('debug') !== true) return undefined;
    const startedAt = performance.now();
    const line = `${driverName}.${name}("/${key}"${also === undefined ? '' : `, ${also}`})`;
    return () => {
      const fields = {
        'trace.duration': formatGoDuration(performance.now() - startedAt),
        'trace.id': randomUUID(),
      };
      log.debug('driverCalled', line, fields);
    };
  };
}

function formatGoDuration(ms: number): string {
  if (ms < 1) return `${Number((ms * 1000).toFixed(3))}µs`;
  return ms < 1000 ? `${Number(ms.toFixed(6))}ms` : `${Number((ms / 1000).toFixed(9))}s`;
}

/** The same bytes, with the errors of the medium translated; nothing is read ahead. */
function translateStream(inner: Readable, call: Call): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* inner;
    } catch (error) {
      throw translate(error, call);
    }
  }
  // An error that comes before the first read is met by that read.
  inner.on('error', () => undefined);
  const outer = Readable.from(bytes(), { objectMode: false, highWaterMark: 1 });
  // Closed before its first read, the generator never ran and would leave the file open.
  return outer.once('close', () => inner.destroy());
}

async function* noteFailure<T>(source: AsyncIterable<T>, failure: { of?: unknown }): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    failure.of = error;
    throw error;
  }
}

function translate(error: unknown, { key, verb }: Call): AppError {
  if (isAppError(error)) return error;
  if (isCancelled(error)) return new AppError('CANCELLED', { cause: error });
  const code = systemCode(error);
  const why = code === undefined ? '' : ` (${code})`;
  if (isFull(error)) {
    const message = `The disk of the registry is full: /${key} could not be written${why}.`;
    return new AppError('STORAGE_FULL', { message, cause: error });
  }
  // A file that may not be read says nothing about writing.
  if (verb !== 'read' && (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')) {
    const message = `The registry may not ${verb} /${key}${why}.`;
    return new AppError('STORAGE_READ_ONLY', { message, cause: error });
  }
  const message = `The storage of the registry could not ${verb} /${key}${why}.`;
  return new AppError('STORAGE_FAILED', { message, cause: error });
}

function isFull(error: unknown): boolean {
  // Node has no name for EDQUOT, only its number.
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
  return systemCode(error) === 'ENOSPC' || errno === -constants.errno.EDQUOT;
}

/** An abort, or a sender that went away. */
function isCancelled(error: unknown): boolean {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) return true;
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
