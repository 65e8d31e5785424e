/** berth rm, tag, trash and gc: changes of what a running registry holds. */
import { type Command, Option } from 'commander';
import { parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { RestoredRow } from '../spec/admin/content.ts';
import type {
  ManifestsPlan,
  PlannedManifest,
  PlannedTag,
  RepositoryPlan,
  TagsPlan,
} from '../spec/admin/plans.ts';
import type { CollectResult } from '../spec/admin/upkeep.ts';
import type { AdminClient } from './client.ts';
import { isAgreed } from './consent.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';
import { allRows, type LookOptions, openFor, splitName, withLook } from './look.ts';
import { withProgress } from './progress.ts';
import { formatTable } from './table.ts';
import { done, writeJson } from './user.ts';

interface CollectOptions extends LookOptions {
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly runs?: boolean;
}

interface SureOptions extends LookOptions {
  readonly yes?: boolean;
}

interface NoteOptions extends LookOptions {
  readonly description?: string;
  readonly readOnly?: 'on' | 'off';
}

/** Adds `berth rm|tag|repository|restore|trash|gc|index` to the program. */
export function registerContent(program: Command, io: Io): void {
  withLook(program.command('rm <references...>'))
    .description(
      'delete tags (repository:tag), manifests without a tag (repository@digest) or whole repositories; they stay in the trash for seven days',
    )
    .option('--yes', 'do not ask before a whole repository is deleted')
    .option('--dry-run', 'say what would go, what stays and what that frees, and delete nothing')
    .action((names: readonly string[], options: SureOptions & { readonly dryRun?: boolean }) =>
      options.dryRun === true ? planRemoval(io, names, options) : remove(io, names, options),
    );

  withLook(program.command('tag <reference> <digest>'))
    .description('point a tag (repository:tag) at a manifest that the repository has, such as an earlier one')
    .action(async (name: string, digest: string, options: LookOptions) => {
      const { repository, tag } = splitName(name);
      if (tag === undefined) throw new AppError('USAGE', { message: 'Write repository:tag.' });
      using client = await openFor(io, options);
      const { from } = await client.call('tags.set', { repository, tag, digest });
      done(
        io,
        options,
        { repository, tag, digest, from },
        `${name} means ${digest} now${from === undefined ? '' : `, and meant ${from}`}.`,
      );
    });

  withLook(program.command('repository <name>'))
    .description('what is set for a repository: its description, and whether it is read-only')
    .option('--description <text>', 'what it is for, one line; empty takes it away')
    .addOption(
      new Option('--read-only <state>', 'refuse pushes, moves and deletes, those of rules included').choices([
        'on',
        'off',
      ]),
    )
    .action((name: string, options: NoteOptions) => setNote(io, name, options));

  const trash = program.command('trash').description('what was deleted and can be restored');
  withLook(trash.command('ls'))
    .description('list the trash, the oldest first')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const rows = await allRows((after) => client.call('trash.list', { after, limit: 1000 }));
      if (options.json === true) return writeJson(io, rows);
      const table = rows.map((row) => [
        row.id,
        row.repository,
        row.tags.join(' '),
        row.digest.slice(0, 19),
        row.deletedAt,
        row.by,
        row.expiresAt,
      ]);
      io.out(formatTable(['ID', 'REPOSITORY', 'TAGS', 'DIGEST', 'DELETED', 'BY', 'UNTIL'], table, io));
    });
  withLook(program.command('restore <trash...>'))
    .description('put entries of the trash back')
    .action(async (ids: readonly string[], options: LookOptions) => {
      using client = await openFor(io, options);
      const rows: RestoredRow[] = [];
      for (const id of ids) rows.push(await client.call('trash.restore', { id }));
      if (options.json === true) return writeJson(io, rows);
      for (const { repository, digest, tags, kept } of rows) {
        const names =
          tags.length === 0 ? [`${repository}@${digest}`] : tags.map((tag) => `${repository}:${tag}`);
        io.out(`Restored ${names.join(' ')}.\n`);
        for (const { tag, digest: means } of kept)
          io.out(`${repository}:${tag} was left as it is: it means ${means} by now.\n`);
      }
    });
  withLook(trash.command('empty'))
    .description('forget all of the trash; the next collection frees its room')
    .option('--yes', 'do not ask')
    .action(async (options: SureOptions) => {
      await mustBeSure(io, options, 'Nothing of the trash can be restored afterwards. Empty it? [y/N] ');
      using client = await openFor(io, options);
      const { entries } = await client.call('trash.empty', {});
      done(io, options, { entries }, `${entries} entries are gone.`);
    });

  withLook(program.command('gc'))
    .description('free the room of what nothing refers to any more; pushes and pulls go on meanwhile')
    .option('--dry-run', 'say what would be freed, and free nothing')
    .option('--plan <hash>', 'free only what --dry-run has shown, by the hash that it printed')
    .option('--runs', 'list the last collections')
    .action(async (options: CollectOptions) => {
      using client = await openFor(io, options);
      if (options.runs === true) return await listRuns(io, client, options);
      if (options.dryRun !== true) {
        const { plan, json } = options;
        const result = await withProgress(io, client, { kind: 'collect', json }, (signal) =>
          client.call('collect.run', { plan }, { signal }),
        );
        return done(io, options, result, `Freed ${describeResult(result)}`);
      }
      const shown = await client.call('collect.plan', {});
      if (options.json === true) return writeJson(io, shown);
      const rows = shown.rows.map(({ digest, size, why, isKept, repositories }) => [
        digest.slice(0, 19),
        formatBytes(size),
        isKept ? `${why}, kept for now` : why,
        repositories.join(' '),
      ]);
      io.out(formatTable(['BLOB', 'SIZE', 'WHY', 'IN'], rows, io));
      io.out(`Would free ${describeResult(shown)}\nExactly this: berth gc --plan ${shown.hash}\n`);
    });

  const index = program.command('index').description('the index that lists are answered from');
  withLook(index.command('rebuild'))
    .description('make the index anew from the disk')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const result = await withProgress(io, client, { kind: 'rebuild', json: options.json }, (signal) =>
        client.call('index.rebuild', {}, { signal }),
      );
      done(
        io,
        options,
        result,
        `The index holds ${result.repositories} repositories and ${result.manifests} manifests.`,
      );
    });
}

async function listRuns(io: Io, client: AdminClient, options: LookOptions): Promise<void> {
  const runs = await client.call('collect.runs', {});
  if (options.json === true) return writeJson(io, runs);
  const rows = runs.map(({ at, trigger, user, bytes, blobs, keptBytes, ms }) => [
    at,
    trigger,
    user ?? '',
    formatBytes(bytes),
    String(blobs),
    formatBytes(keptBytes),
    `${ms} ms`,
  ]);
  io.out(formatTable(['WHEN', 'WHY', 'BY', 'FREED', 'BLOBS', 'KEPT', 'TOOK'], rows, io));
}

interface Removable {
  readonly name: string;
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: string;
}

function splitRemovable(name: string): Removable {
  const at = name.indexOf('@');
  if (at < 0) return { name, ...splitName(name) };
  const digest = parseDigest(name.slice(at + 1));
  if (digest !== undefined) return { name, repository: name.slice(0, at), digest };
  throw new AppError('USAGE', {
    message: `"${name}" is not repository@digest.`,
    hint: 'Write team/app@sha256: and the 64 digits of the digest.',
  });
}

/** Manifests of one repository are planned together, and so are deleted in the order that they need. */
async function removeManifests(
  client: AdminClient,
  repository: string,
  digests: readonly string[],
): Promise<readonly string[]> {
  const plan = await client.call('manifests.plan', { repository, digests: [...digests] });
  const kept = plan.rows.find(({ keptBy }) => keptBy !== undefined);
  if (kept !== undefined)
    throw new AppError('MANIFEST_IN_USE', {
      message: `${repository}@${describeManifest(kept)}.`,
      hint:
        kept.keptBy === 'tag'
          ? `Delete its tags, and it goes with the last one: berth rm ${repository}:${kept.keptFor ?? ''}`
          : 'Delete that index first.',
    });
  const asked = { repository, digests: [...digests], plan: plan.plan };
  return (await client.call('manifests.delete', asked)).trash;
}

/** Changes what is given, and says what is set then. */
async function setNote(io: Io, name: string, options: NoteOptions): Promise<void> {
  const { description, readOnly } = options;
  using client = await openFor(io, options);
  const change = {
    ...(description === undefined ? {} : { description }),
    ...(readOnly === undefined ? {} : { isReadOnly: readOnly === 'on' }),
  };
  const row =
    Object.keys(change).length === 0
      ? await client.call('repositories.get', { repository: name })
      : await client.call('repositories.set', { repository: name, ...change });
  const lines = [
    ...(row.description === undefined ? [] : [`description: ${row.description}`]),
    `writes:      ${row.isReadOnly === true ? 'refused, read-only' : 'taken'}`,
  ];
  done(io, options, row, lines.join('\n'));
}

async function remove(io: Io, names: readonly string[], options: SureOptions): Promise<void> {
  using client = await openFor(io, options);
  const removed: { readonly name: string; readonly trash: readonly string[] }[] = [];
  const asked = names.map(splitRemovable);
  const byDigest = asked.filter(({ digest }) => digest !== undefined);
  for (const [repository, group] of Map.groupBy(byDigest, (each) => each.repository)) {
    const digests = group.flatMap(({ digest }) => digest ?? []);
    const trash = await removeManifests(client, repository, digests);
    removed.push({ name: group.map(({ name }) => name).join(' '), trash });
  }
  for (const { name, repository, tag, digest } of asked) {
    if (digest !== undefined) continue;
    if (tag === undefined) {
      await mustBeSure(io, options, `Delete the whole repository ${repository}? [y/N] `);
      removed.push({ name, trash: (await client.call('repositories.delete', { repository })).trash });
    } else {
      removed.push({ name, trash: [(await client.call('tags.delete', { repository, tag })).trash] });
    }
  }
  if (options.json === true) return writeJson(io, removed);
  for (const { name, trash } of removed) {
    io.out(`Deleted ${name}. Restore it with: berth restore ${trash.join(' ')}\n`);
  }
}

/** What is of one repository is planned together: what goes with all of them is more than what goes with each. */
async function planRemoval(io: Io, names: readonly string[], options: LookOptions): Promise<void> {
  using client = await openFor(io, options);
  const plans: Plan[] = [];
  for (const [repository, group] of Map.groupBy(names.map(splitRemovable), (name) => name.repository)) {
    const tags = group.flatMap(({ tag }) => tag ?? []);
    const digests = group.flatMap(({ digest }) => digest ?? []);
    if (tags.length + digests.length < group.length) {
      plans.push(await client.call('repositories.plan', { repository }));
      continue;
    }
    if (tags.length > 0) plans.push(await client.call('tags.plan', { repository, tags }));
    if (digests.length > 0) plans.push(await client.call('manifests.plan', { repository, digests }));
  }
  if (options.json === true) return writeJson(io, plans);
  for (const plan of plans) io.out(`${describePlan(plan)}\n`);
}

type Plan = TagsPlan | ManifestsPlan | RepositoryPlan;

function describePlan(plan: Plan): string {
  const lines =
    'rows' in plan
      ? plan.rows.map((row) => ('tag' in row ? describeTag(row) : describeManifest(row)))
      : describeRepository(plan);
  const freed = `frees ${formatBytes(plan.freedBytes)} with ${plan.manifests} manifests, once the trash is over`;
  return [`${plan.repository}: ${freed}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

function describeTag({ tag, digest, staysWith, protectedBy }: PlannedTag): string {
  if (protectedBy !== undefined) return `${tag} stays: protected by ${protectedBy}`;
  const also = staysWith.length === 0 ? '' : `; the image stays, also ${staysWith.join(', ')}`;
  return `${tag} goes (${digest.slice(0, 19)})${also}`;
}

function describeManifest({ digest, keptBy, keptFor = '' }: PlannedManifest): string {
  if (keptBy === undefined) return `${digest} goes`;
  return `${digest} stays: ${keptBy === 'tag' ? `it has the tag ${keptFor}` : `the index ${keptFor} lists it`}`;
}

function describeRepository({ tags, protected: kept }: RepositoryPlan): readonly string[] {
  const [first] = kept;
  return first === undefined
    ? [`all of its ${tags} tags go`]
    : [`stays: ${first.tag} is protected by ${first.rule}`];
}

async function mustBeSure(io: Io, { yes }: SureOptions, question: string): Promise<void> {
  if (yes === true || (io.canAsk && (await isAgreed(io, question)))) return;
  throw new AppError('CONSENT_NEEDED', {
    message: 'Nothing was deleted.',
    hint: 'Say --yes to do it without being asked.',
  });
}

function describeResult({ blobs, bytes, manifests, keptBlobs, keptBytes }: CollectResult): string {
  const kept =
    keptBlobs === 0
      ? ''
      : ` ${keptBlobs} blobs with ${formatBytes(keptBytes)} are kept for now: they were in use a short while ago.`;
  return `${formatBytes(bytes)} in ${blobs} blobs and ${manifests} manifests.${kept}`;
}
