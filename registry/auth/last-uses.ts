/**
 * When each user, token and program of an engine was last let in. A login writes to a map alone; the map is written to
 * a private file every half minute while it changes, and at the end, so that a crash costs half a minute of it. What is
 * no longer known is left out then, so the file is no longer than the lists of users and tokens, and two programs.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode, writePrivateFile } from '../disk/private-file.ts';
import { clientName } from '../spec/client-name.ts';
import type { Log } from '../spec/log-record.ts';

export interface LastUse {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly address: string;
  /** The User-Agent of the client, as it was sent. */
  readonly client?: string | undefined;
}

export interface UseKey {
  readonly kind: 'user' | 'token' | 'program';
  /** The name of the user or program, the id of the token. */
  readonly id: string;
}

/** Programs by which engines push: whoever looks at an engine wants to know whether it is logged in. */
export const enginePrograms = ['docker', 'podman'] as const;

export interface LastUses extends AsyncDisposable {
  /** Notes a user or token, and the program of the engine that came with it. */
  note(key: UseKey, use: LastUse): void;
  find(key: UseKey): LastUse | undefined;
}

export interface LastUsesOptions {
  readonly path: string;
  readonly log: Log;
  /** Whether the user or token is there. */
  readonly isKnown: (key: UseKey) => Promise<boolean>;
  readonly everyMs?: number;
}

const longestClient = 256;

const fileSchema = z.strictObject({
  version: z.literal(1),
  uses: z.array(
    z.strictObject({
      kind: z.enum(['user', 'token', 'program']),
      id: z.string(),
      at: z.iso.datetime(),
      address: z.string(),
      client: z.string().optional(),
    }),
  ),
});

/** Reads the file. One that is lost or broken costs its content, and never a start. */
export async function openLastUses({
  path,
  log,
  isKnown,
  everyMs = 30_000,
}: LastUsesOptions): Promise<LastUses> {
  const uses = new Map<string, { readonly key: UseKey; readonly use: LastUse }>();
  let hasNews = false;
  let lastWrite: Promise<void> = Promise.resolve();

  for (const { kind, id, at, address, client } of await readUses(path, log))
    set({ kind, id }, { at: Date.parse(at), address, client });
  const timer = setInterval(() => void save(), everyMs).unref();

  function set(key: UseKey, { at, address, client }: LastUse): void {
    const use = { at, address, ...(client === undefined ? {} : { client: client.slice(0, longestClient) }) };
    uses.set(textOf(key), { key, use });
  }

  function save(): Promise<void> {
    lastWrite = lastWrite.then(write);
    return lastWrite;
  }

  async function write(): Promise<void> {
    if (!hasNews) return;
    hasNews = false;
    try {
      for (const [text, { key }] of uses) if (!(await isKnown(key))) uses.delete(text);
      const rows = [...uses.values()].map(({ key, use }) => ({
        ...key,
        ...use,
        at: new Date(use.at).toISOString(),
      }));
      await writePrivateFile(path, `${JSON.stringify({ version: 1, uses: rows })}\n`);
    } catch (error) {
      hasNews = true;
      log.warn('lastUsesNotKept', 'when users were last let in could not be written', {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  return {
    note(key, use) {
      set(key, use);
      // Docker's command line is `docker-client`.
      const program = enginePrograms.find((each) => clientName(use.client).startsWith(each));
      if (program !== undefined) set({ kind: 'program', id: program }, use);
      hasNews = true;
    },
    find: (key) => uses.get(textOf(key))?.use,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await save();
    },
  };
}

function textOf({ kind, id }: UseKey): string {
  return `${kind} ${id}`;
}

async function readUses(path: string, log: Log): Promise<z.output<typeof fileSchema>['uses']> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).uses;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') {
      log.warn('lastUsesLost', 'when users were last let in cannot be read; it is written anew', {
        file: path,
      });
    }
    return [];
  }
}
