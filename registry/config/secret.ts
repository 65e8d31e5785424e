import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';

/**
 * The key that signs upload states: `http.secret`, else berth/secret, which is made once, so that uploads go on after
 * a restart.
 * @throws AppError DATA_UNUSABLE when the file does not hold a secret
 */
export async function loadSecret(root: string, configured: string | undefined): Promise<Uint8Array> {
  if (configured !== undefined && configured !== '') return Buffer.from(configured);
  const path = join(root, 'berth', 'secret');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) {
    if (/^[0-9a-f]{64}\n?$/.test(text)) return Buffer.from(text.trim(), 'hex');
    throw new AppError('DATA_UNUSABLE', {
      message: `${path} does not hold a secret.`,
      hint: 'Remove the file: a new secret is made, and uploads that are under way start again.',
    });
  }
  const secret = randomBytes(32);
  await writePrivateFile(path, `${secret.toString('hex')}\n`);
  return secret;
}
