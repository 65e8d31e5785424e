/** The changes whose interruption is tried: an entry of daemon.json, and a certificate in a folder that is new. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Change, type Plan, sha256 } from '../../main/engine/change.ts';
import type { ChangeContext } from '../../main/engine/changes/apply.ts';
import { planDaemonEdit } from '../../main/engine/files/daemon-json.ts';
import { thisHost } from '../../main/engine/host.ts';
import { childEnv } from '../support/process.ts';

export const address = 'registry.berth.test:5443';
export const certificate = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(400)}\n-----END CERTIFICATE-----\n`;
const key = 'insecure-registries';

export function daemonJson(folder: string): string {
  return join(folder, 'docker', 'daemon.json');
}

export function certificateFile(folder: string): string {
  return join(folder, 'docker', 'certs.d', address, 'berth.crt');
}

export function contextOf(root: string): ChangeContext {
  const host = thisHost(childEnv());
  return { host, root, by: 'test', credentials: undefined, mayRestart: false };
}

/** What daemon.json says with the entry. */
export function editedDaemonJson(bytes: Uint8Array): Uint8Array {
  return planDaemonEdit(bytes, 'daemon.json', { key, entry: address }).after;
}

export async function planEdits(folder: string): Promise<Plan> {
  const file = daemonJson(folder);
  const current = await readFile(file);
  const base = {
    title: 'test',
    engine: 'docker',
    address,
    needsRoot: false,
    proof: { kind: 'none' },
    manual: [],
  } as const;
  // Nobody listens there: an engine that is down reads its file when it starts.
  const endpoint = { kind: 'socket', path: join(folder, 'docker.sock') } as const;
  const changes: readonly Change[] = [
    {
      ...base,
      place: { kind: 'file', path: file, mode: 0o644 },
      edit: { kind: 'json-entry', key, entry: address },
      before: sha256(current),
      after: Buffer.from(editedDaemonJson(current)).toString('base64'),
      activation: { kind: 'reload', endpoint, command: ['false'] },
    },
    {
      ...base,
      place: { kind: 'file', path: certificateFile(folder), mode: 0o644 },
      edit: { kind: 'whole' },
      before: undefined,
      after: Buffer.from(certificate).toString('base64'),
      activation: { kind: 'none' },
    },
  ];
  return { title: 'test', why: 'test', changes, effects: [] };
}
