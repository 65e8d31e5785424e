import { type Audit, type AuditEntry, auditOf } from '../derived/audit.ts';
import type { Index } from '../derived/index-db.ts';
import type { Journal, JournalEntry, JournalPosition } from '../derived/journal.ts';
import { clientName } from '../spec/client-name.ts';
import type { Actor, AuditEvent, AuditEvents, PullEvents, RuleEvents, StoreEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import { checkRepository, type Tag } from '../spec/names.ts';
import type { Happening, WebhookSink } from '../spec/webhook.ts';
import { createFailedBefore, type FailedBefore } from './failed-before.ts';
import type { Feed } from './feed.ts';

/** Where events go besides the log; each may be left out. */
export interface EventSinks {
  readonly index?: Pick<Index, 'tagChanged' | 'manifestChanged' | 'blobChanged'>;
  readonly journal?: Pick<Journal, 'append'>;
  readonly audit?: Pick<Audit, 'append'>;
  readonly feed?: Pick<Feed, 'publish'>;
  readonly webhooks?: WebhookSink;
  /** What the audit holds of the last hour, where that was read. */
  readonly failedBefore?: FailedBefore;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Turns what happens into a log line, a line of the journal, one of the audit, the change of the index, an item of the
 * feed and what webhooks are told, in this order: one function per event, so that nothing can disagree. What has
 * happened on disk goes into index, feed and webhooks even where the journal cannot be written.
 *
 * A move of a tag that could not be noted durably rejects, so that the push is not acknowledged and is tried again. A
 * delete does not: it is done, and on a full disk it is the way out; the line is in the log. Nor does a line that is
 * missing in the audit.
 */
export function createEvents(
  root: Log,
  {
    index,
    journal,
    audit,
    feed,
    webhooks: allHooks,
    failedBefore = createFailedBefore(),
    now = Date.now,
  }: EventSinks = {},
): StoreEvents & PullEvents & RuleEvents & AuditEvents {
  const log = root.for('store');
  const jobs = root.for('jobs');
  const webhooks = allHooks && withoutChecks(allHooks);

  const stamp = (actor: Actor) => ({
    at: new Date(now()).toISOString(),
    ...(actor.user === '' ? {} : { by: actor.user }),
    ...(actor.client === undefined ? {} : { client: clientName(actor.client) }),
  });

  async function note(entries: readonly JournalEntry[], actor: Actor): Promise<void> {
    await Promise.all(
      entries.map(async (entry) => {
        const place = await journal?.append(entry);
        await noteAudit(auditOf(entry), actor, { place });
      }),
    );
  }

  async function noteDelete(entries: readonly JournalEntry[], actor: Actor): Promise<void> {
    await Promise.all(
      entries.map(async (entry) => {
        const place = await journal?.append(entry).catch((error: unknown) => {
          log.error('journalFailed', 'a delete is missing in the journal', {
            error: reasonOf(error),
            lines: [JSON.stringify(entry)],
            hint: 'check the disk and its free space',
          });
        });
        await noteAudit(auditOf(entry), actor, { place: place ?? undefined });
      }),
    );
  }

  /** A place in a journal in memory leads nowhere after the process. */
  async function noteAudit(
    entry: AuditEntry | undefined,
    actor: Actor,
    {
      place,
      isSynced = false,
    }: { readonly place?: JournalPosition | undefined; readonly isSynced?: boolean },
  ): Promise<void> {
    if (audit === undefined || entry === undefined) return;
    const told = {
      ...entry,
      ...(actor.address === undefined ? {} : { address: actor.address }),
      ...(actor.requestId === '' ? {} : { requestId: actor.requestId }),
    };
    const failedRequest = failedBefore.note(told);
    const line = {
      ...told,
      ...(failedRequest === undefined ? {} : { failedRequest }),
      ...(place === undefined || place.month === '' ? {} : { journal: place }),
    };
    try {
      const row = await audit.append(line, { isSynced });
      feed?.publish({ kind: 'audited', audit: row });
    } catch (error) {
      log.error('auditFailed', 'a line is missing in the audit', {
        error: reasonOf(error),
        lines: [JSON.stringify(line)],
        hint: 'check the disk and its free space',
      });
    }
  }

  async function audited({ actor, kind, outcome = 'done', detail, ...event }: AuditEvent): Promise<void> {
    const { client, at } = stamp(actor);
    const entry = {
      at,
      kind,
      outcome,
      ...userOf(actor),
      ...(client === undefined ? {} : { client }),
      ...event,
      ...(detail === undefined ? {} : { detail: detail.slice(0, longestDetail) }),
    };
    await noteAudit(entry, actor, { isSynced: !beside.has(kind) });
  }

  /** Tells webhooks of each tag, or of the content alone where it has none. */
  async function tell(happening: Happening, tags: readonly Tag[]): Promise<void> {
    if (webhooks === undefined) return;
    const each = tags.length === 0 ? [happening] : tags.map((tag) => ({ ...happening, tag }));
    for (const one of each) await webhooks.publish(one);
  }

  return {
    audited,
    uploadStarted({ repository, id, actor }) {
      log.debug('uploadStarted', 'upload started', {
        ...by(actor),
        'vars.name': repository,
        'vars.uuid': id,
      });
      feed?.publish({ kind: 'uploadStarted', repository, ...userOf(actor) });
    },
    uploadCancelled({ repository, id, actor }) {
      log.info('uploadCancelled', 'upload cancelled', {
        ...by(actor),
        'vars.name': repository,
        'vars.uuid': id,
      });
      feed?.publish({ kind: 'uploadEnded', repository, ...userOf(actor) });
    },
    uploadPurged({ repository, id, bytes, ageMs, isDryRun }) {
      const fields = {
        'vars.name': repository,
        'vars.uuid': id,
        bytes,
        'age.seconds': Math.round(ageMs / 1000),
      };
      jobs.info('uploadPurged', isDryRun ? 'abandoned upload found' : 'abandoned upload removed', fields);
      if (!isDryRun) feed?.publish({ kind: 'uploadEnded', repository });
    },
    async blobStored({ repository, digest, size, isNew, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.digest': digest, size, new: isNew };
      log.info('blobStored', 'blob stored', fields);
      index?.blobChanged(digest);
      feed?.publish({ kind: 'blobStored', repository, digest, bytes: size, ...userOf(actor) });
      await webhooks?.publish({ action: 'push', kind: 'blob', repository, digest, size, actor });
    },
    async blobMounted({ repository, digest, size, from: fromRepository, actor }) {
      log.info('blobMounted', 'blob mounted', {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        size,
      });
      const what = { repository, digest, size, fromRepository, actor };
      await webhooks?.publish({ action: 'mount', kind: 'blob', ...what });
    },
    async blobDeleted({ repository, digest, actor }) {
      log.info('blobDeleted', 'blob deleted', {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
      });
      await audited({ kind: 'blobDeleted', repository, digest, actor });
      await webhooks?.publish({ action: 'delete', kind: 'blob', repository, digest, actor });
    },
    blobDamaged({ digest, found, size }) {
      const hint = 'push an image that has it again; check the disk';
      log.error('blobDamaged', 'blob is damaged and was put aside', {
        'vars.digest': digest,
        found,
        size,
        hint,
      });
      index?.blobChanged(digest);
      feed?.publish({ kind: 'blobDamaged', digest, bytes: size });
    },
    blobLost({ digest, state, repositories }) {
      const hint =
        state === 'unreadable'
          ? 'check the disk, and owner and mode of the file'
          : 'push an image that has it again; check the disk';
      log.error('blobLost', 'blob is needed and cannot be read', {
        'vars.digest': digest,
        state,
        repositories,
        hint,
      });
      index?.blobChanged(digest);
      feed?.publish({ kind: 'blobDamaged', digest });
    },
    blobHealed({ digest, size }) {
      // The index is told by what was pushed: blobStored or manifestPushed follows.
      log.info('blobHealed', 'what was damaged was pushed again', { 'vars.digest': digest, size });
      feed?.publish({ kind: 'blobHealed', digest, bytes: size });
    },
    blobCollected({ digest, size }) {
      jobs.debug('blobCollected', 'blob collected', { 'vars.digest': digest, size });
      index?.blobChanged(digest);
    },
    async collected({ trigger, user = '', expired, manifests, blobs, bytes, keptBlobs, keptBytes, ms }) {
      jobs.info('collectFinished', 'garbage collected', {
        'auth.user.name': user === '' ? undefined : user,
        trigger,
        expired,
        manifests,
        blobs,
        bytes,
        'kept.blobs': keptBlobs,
        'kept.bytes': keptBytes,
        seconds: Math.round(ms / 1000),
      });
      feed?.publish({ kind: 'collected', bytes });
      // What ran by itself and found nothing is no change.
      if (user === '' && expired + manifests + blobs === 0) return;
      const detail = `${trigger}: ${blobs} blobs, ${manifests} manifests, ${expired} of the trash, ${bytes} bytes`;
      await audited({ kind: 'collected', actor: { user, requestId: '' }, detail });
    },
    diskChanged(disk) {
      const { state, freeBytes, freeInodes, reserveBytes } = disk;
      const fields = {
        state,
        'free.bytes': freeBytes,
        'free.inodes': freeInodes,
        'reserve.bytes': reserveBytes,
      };
      if (state === 'ok') jobs.info('diskChanged', 'the disk has room again', fields);
      if (state === 'low')
        jobs.warn('diskChanged', 'the disk is getting full', {
          ...fields,
          hint: 'berth du shows what takes room',
        });
      if (state === 'full')
        jobs.error('diskChanged', 'the disk is full: pushes are refused', {
          ...fields,
          hint: 'free some space, or lower berth.storage.reserve',
        });
      feed?.publish({ kind: 'diskChanged', disk });
    },
    async manifestPushed({ repository, digest, mediaType, size, bytes, manifest, tags, actor }) {
      const fields = {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        mediatype: mediaType,
        size,
      };
      log.info('manifestPushed', 'manifest stored', fields);
      await Promise.all([
        audited({ kind: 'pushed', repository, digest, actor }),
        index?.manifestChanged(repository, digest, { mediaType, bytes, manifest }),
      ]);
      feed?.publish({ kind: 'manifestPushed', repository, digest, bytes: size, ...userOf(actor) });
      // Whoever hears of a tag may pull it at once, so that waits for the tag.
      if (tags.length > 0) return;
      const what = { repository, digest, mediaType, size, manifest: bytes, actor };
      await webhooks?.publish({ action: 'push', kind: 'manifest', ...what });
    },
    async manifestDeleted({ repository, digest, tags, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.digest': digest, tags };
      log.info('manifestDeleted', 'manifest deleted', fields);
      await noteDelete(
        [
          ...tags.map((tag) => ({ ...stamp(actor), kind: 'delete', repository, tag, from: digest }) as const),
          { ...stamp(actor), kind: 'manifestDelete', repository, digest },
        ],
        actor,
      );
      for (const tag of tags) await index?.tagChanged(repository, tag);
      await index?.manifestChanged(repository, digest);
      for (const tag of tags)
        feed?.publish({ kind: 'tagDeleted', repository, tag, digest, ...userOf(actor) });
      feed?.publish({ kind: 'manifestDeleted', repository, digest, ...userOf(actor) });
      await webhooks?.publish({ action: 'delete', kind: 'manifest', repository, digest, actor });
      if (tags.length > 0) await tell({ action: 'delete', kind: 'tag', repository, actor }, tags);
    },
    async tagMoved({ repository, tag, from, to, manifest, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.reference': tag, from, to };
      log.info('tagMoved', 'tag set', fields);
      try {
        await note(
          [{ ...stamp(actor), kind: 'move', repository, tag, ...(from === undefined ? {} : { from }), to }],
          actor,
        );
      } finally {
        await index?.tagChanged(repository, tag);
        feed?.publish({ kind: 'tagMoved', repository, tag, digest: to, ...userOf(actor) });
        const { mediaType, bytes } = manifest ?? {};
        const what = { repository, tag, digest: to, mediaType, size: bytes?.length, manifest: bytes, actor };
        await webhooks?.publish({ action: 'push', kind: 'manifest', ...what });
      }
    },
    async tagDeleted({ repository, tag, from, actor }) {
      log.info('tagDeleted', 'tag deleted', {
        ...by(actor),
        'vars.name': repository,
        'vars.reference': tag,
        from,
      });
      await noteDelete([{ ...stamp(actor), kind: 'delete', repository, tag, from }], actor);
      await index?.tagChanged(repository, tag);
      feed?.publish({ kind: 'tagDeleted', repository, tag, digest: from, ...userOf(actor) });
      await webhooks?.publish({ action: 'delete', kind: 'tag', repository, tag, actor });
    },
    async restored({ repository, digest, tags, actor }) {
      log.info('restored', 'restored from the trash', {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        tags,
      });
      try {
        await note(
          tags.map((tag) => ({ ...stamp(actor), kind: 'restore', repository, tag, to: digest }) as const),
          actor,
        );
        // A manifest without a tag has no line of the journal.
        if (tags.length === 0) await audited({ kind: 'restored', repository, digest, actor });
      } finally {
        await index?.manifestChanged(repository, digest);
        for (const tag of tags) await index?.tagChanged(repository, tag);
        feed?.publish({ kind: 'restored', repository, digest, ...userOf(actor) });
        await tell({ action: 'push', kind: 'manifest', repository, digest, actor }, tags);
      }
    },
    manifestPulled({ repository, tag, digest, manifest: { mediaType, bytes }, actor }) {
      const what = { repository, tag, digest, mediaType, size: bytes.length, manifest: bytes, actor };
      void webhooks?.publish({ action: 'pull', kind: 'manifest', ...what });
    },
    blobPulled({ repository, digest, size, actor }) {
      void webhooks?.publish({ action: 'pull', kind: 'blob', repository, digest, size, actor });
    },
    async rulesChanged({ actor }) {
      jobs.info('rulesChanged', 'rules changed', by(actor));
      feed?.publish({ kind: 'rulesChanged', ...userOf(actor) });
      await audited({ kind: 'settingChanged', actor, subject: 'rules' });
    },
    async ruleRan({ tags, manifests, spared, actor }) {
      jobs.info('ruleRan', 'rules ran', { ...by(actor), tags, manifests, spared });
      feed?.publish({ kind: 'ruleRan', count: tags, ...userOf(actor) });
      await audited({ kind: 'ruleRan', actor, detail: `${tags} tags, ${manifests} manifests`, count: tags });
    },
    tagExpired({ repository, tag, digest, rule }) {
      const fields = { 'vars.name': repository, 'vars.reference': tag, 'vars.digest': digest, rule };
      jobs.info('tagExpired', 'tag expired', fields);
      feed?.publish({ kind: 'tagExpired', repository, tag, digest, rule });
    },
  };
}

/** A push waits for no second fsync, pulls and refusals come as fast as others send them: their lines are synced soon after. */
const beside: ReadonlySet<AuditEvent['kind']> = new Set(['pushed', 'pulled', 'loginFailed', 'writeRefused']);
const longestDetail = 500;

/** What the doctor pushes, pulls and deletes is nothing that happened to the content of the registry. */
function withoutChecks(webhooks: WebhookSink): WebhookSink {
  return {
    publish: (happening) =>
      happening.repository === checkRepository ? undefined : webhooks.publish(happening),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function userOf({ user }: Actor): { readonly user?: string } {
  return user === '' ? {} : { user };
}

function by({ user, requestId }: Actor) {
  return { 'auth.user.name': user === '' ? undefined : user, 'http.request.id': requestId };
}
