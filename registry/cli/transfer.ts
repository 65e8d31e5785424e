/** berth copy, export and import: images on their way, without an engine. */
import { rm, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { Command } from 'commander';
import { spool } from '../disk/spool.ts';
import type { BundleRow, ImageRow } from '../spec/admin/transfer.ts';
import { AppError } from '../spec/errors.ts';
import { parseImageReference } from '../spec/image-reference.ts';
import { openClient } from './client.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';
import { loadFor } from './load.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { withProgress } from './progress.ts';
import { formatTable } from './table.ts';
import { done, writeJson } from './user.ts';

interface ExportOptions extends LookOptions {
  readonly output: string;
  readonly platform?: string;
  readonly since?: readonly string[];
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
}

interface ImportOptions extends LookOptions {
  readonly into?: string;
  readonly rename?: readonly string[];
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
}

/** Adds `berth copy|export|import` to the program. */
export function registerTransfer(program: Command, io: Io): void {
  withLook(program.command('copy <source> <target>'))
    .description(
      'copy an image (repository:tag or repository@digest) to another name, with its signatures; layers are shared',
    )
    .option('--no-referrers', 'leave signatures and other attached things out')
    .action(
      async (source: string, target: string, options: LookOptions & { readonly referrers: boolean }) => {
        const from = parseName(source);
        const to = parseName(target);
        const reference = from.digest ?? from.tag;
        const tag = to.tag ?? (to.digest === undefined ? from.tag : undefined);
        if (reference === undefined || tag === undefined) {
          throw new AppError('USAGE', {
            message: 'Write repository:tag twice; the source may have a digest.',
          });
        }
        const { repository } = from;
        const copy = {
          from: { repository, reference },
          to: { repository: to.repository, tag },
          withReferrers: options.referrers,
        };
        using client = await openFor(io, options);
        const result = await withProgress(io, client, { kind: 'copy', ...options }, (signal) =>
          client.call('images.copy', copy, { signal }),
        );
        const before = result.from === undefined ? '' : ` It meant ${result.from}.`;
        done(io, options, result, `${to.repository}:${tag} means ${result.digest} now.${before}`);
      },
    );

  withLook(program.command('export <names...>'))
    .description(
      'write images (repository:tag, repository@digest, or a repository with all its tags) into one file',
    )
    .requiredOption('-o, --output <file>', 'the file: a tar of an OCI image layout')
    .option('--since <names...>', 'leave out layers that these images have: a difference')
    .option('--platform <os/arch>', 'of images for several platforms only this one')
    .option('--overwrite', 'replace the file if it is there')
    .option('--quiet', 'do not show how far it is')
    .action(async (names: readonly string[], options: ExportOptions) => {
      const { output, platform, since = [], overwrite = false } = options;
      const wanted = {
        references: [...names],
        path: resolve(output),
        platform,
        since: [...since],
        overwrite,
      };
      using client = await openFor(io, options);
      const result = await withProgress(io, client, { kind: 'export', ...options }, (signal) =>
        client.call('bundles.export', wanted, { signal }),
      );
      const left =
        result.leftOutBlobs === 0
          ? ''
          : ` Left out, because the other images have them: ${formatBytes(result.leftOutBytes)} in ${result.leftOutBlobs} blobs.`;
      const sentence = `Wrote ${result.images} images, ${formatBytes(result.bytes)}, to ${result.path}.${left}`;
      done(io, options, result, sentence);
    });

  withLook(program.command('import <file>'))
    .description(
      'take images out of a file: an OCI image layout, as a tar or directory, or what docker save wrote; - is standard input',
    )
    .option('--into <prefix>', 'put this before each repository: mirror makes mirror/team/app of team/app')
    .option('--rename <from=to...>', 'give the image of this name or digest another name')
    .option('--dry-run', 'say what would be imported, and import nothing')
    .option('--quiet', 'do not show how far it is')
    .action((file: string, options: ImportOptions) => importFile(io, file, options));
}

async function importFile(io: Io, file: string, options: ImportOptions): Promise<void> {
  const { into: prefix, dryRun = false } = options;
  const renames = (options.rename ?? []).map(parseRename);
  const { root, loaded } = await loadFor(io, options);
  using client = await openClient(root);
  const row = await withProgress(io, client, { kind: 'import', ...options }, async (signal) => {
    const spooled =
      file === '-'
        ? await spoolInput(io, { root, reserve: loaded.config.berth.storage.reserve, signal })
        : undefined;
    try {
      const path = spooled ?? resolve(file);
      return await client.call('bundles.import', { path, prefix, renames, dryRun }, { signal });
    } finally {
      if (spooled !== undefined) await rm(spooled, { force: true });
    }
  });
  if (options.json === true) return writeJson(io, row);
  io.out(formatTable(['IMAGE', 'DIGEST', 'SIZE', ''], row.images.map(imageCells), io));
  io.out(describeBundle(row, dryRun));
}

/** A difference needs its base, and docker save its list: both may be at the end, so all of the input must be there. */
async function spoolInput(
  io: Io,
  {
    root,
    reserve,
    signal,
  }: {
    readonly root: string;
    readonly reserve: { readonly bytes: number; readonly percent: number };
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const directory = join(root, 'berth', 'tmp');
  return await spool(addAbortSignal(signal, io.stdin) as AsyncIterable<Uint8Array>, directory, {
    signal,
    async checkRoom() {
      const { bavail, blocks, bsize } = await statfs(root);
      if (bavail * bsize >= Math.max(reserve.bytes, (blocks * bsize * reserve.percent) / 100)) return;
      throw new AppError('STORAGE_FULL', {
        message: 'The disk of the registry has no room for what comes in.',
      });
    },
  });
}

function parseName(name: string) {
  const found = parseImageReference(name);
  if (found !== undefined) return found;
  throw new AppError('USAGE', {
    message: `"${name}" is not repository:tag.`,
    hint: 'Write team/app:1, or team/app@sha256:...',
  });
}

function parseRename(text: string): { readonly from: string; readonly to: string } {
  const at = text.indexOf('=');
  if (at > 0) return { from: text.slice(0, at), to: text.slice(at + 1) };
  throw new AppError('USAGE', { message: `"${text}" is not from=to.`, hint: 'Write app:1=team/app:1' });
}

function imageCells({ repository, tag, digest, bytes, isHere }: ImageRow): readonly string[] {
  const name = tag === undefined ? `${repository}@${digest.slice(0, 19)}` : `${repository}:${tag}`;
  return [name, digest.slice(0, 19), formatBytes(bytes), isHere ? 'was here' : ''];
}

function describeBundle({ total, images, newBlobs, newBytes }: BundleRow, isPlan: boolean): string {
  const more = total > images.length ? `... and ${total - images.length} more\n` : '';
  const verb = isPlan ? 'Would store' : 'Stored';
  return `${more}${verb} ${formatBytes(newBytes)} in ${newBlobs} blobs; the rest was here.\n`;
}
