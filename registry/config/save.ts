import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Document, parseDocument } from 'yaml';
import { makePrivateDirectory, writePrivateFile } from '../disk/private-file.ts';

/** The configuration file of a data directory. */
export function ownConfigFile(root: string): string {
  return join(root, 'berth', 'config.yml');
}

/** Sets one value in berth/config.yml, durably; the comments and the order of the rest stay. */
export async function saveSetting(root: string, path: readonly string[], value: string): Promise<void> {
  const file = ownConfigFile(root);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const document = text === undefined ? new Document({ version: '0.1' }) : parseDocument(text);
  document.setIn(path, value);
  await makePrivateDirectory(join(root, 'berth'));
  await writePrivateFile(file, document.toString());
}
