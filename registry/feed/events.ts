import type { Index } from '../derived/index-db.ts';
import type { Journal, JournalEntry } from '../derived/journal.ts';
import type { Actor, PullEvents, RuleEvents, StoreEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import type { Tag } from '../spec/names.ts';
import type { Happening, WebhookSink } from '../spec/webhook.ts';
import type { Feed } from './feed.ts';

/** Where events go besides the log; each may be left out. */
export interface EventSinks {
  readonly index?: Pick<Index, 'tagChanged' | 'manifestChanged' | 'blobChanged'>;
  readonly journal?: Pick<Journal, 'append'>;
  readonly feed?: Pick<Feed, 'publish'>;
  readonly webhooks?: WebhookSink;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Turns what happens in the store into a log line, a line of the journal, the change of the index, an item of the feed
 * and what webhooks are told, in this order: one function per event, so that nothing can disagree. What has happened on
 * disk goes into index, feed and webhooks even where the journal cannot be written.
 *
 * A move of a tag that could not be noted durably rejects, so that the push is not acknowledged and is tried again. A
 * delete does not: it is done, and on a full disk it is the way out; the line is in the log.
 */
export function createEvents(
  root: Log,
  { index, journal, feed, webhooks, now = Date.now }: EventSinks = {},
): StoreEvents & PullEvents & RuleEvents {
  const log = root.for('store');
  const jobs = root.for('jobs');

  const stamp = (actor: Actor) => ({
    at: new Date(now()).toISOString(),
    ...(actor.user === '' ? {} : { by: actor.user }),
  });

  async function note(entries: readonly JournalEntry[]): Promise<void> {
    if (journal === undefined) return;
    await Promise.all(entries.map((entry) => journal.append(entry)));
  }

  async function noteDelete(entries: readonly JournalEntry[]): Promise<void> {
    await note(entries).catch((error: unknown) => {
      log.error('journalFailed', 'a delete is missing in the journal', {
        error: error instanceof Error ? error.message : String(error),
        lines: entries.map((entry) => JSON.stringify(entry)),
        hint: 'check the disk and its free space',
      });
    });
  }

  /** Tells webhooks of each tag, or of the content alone where it has none. */
  async function tell(happening: Happening, tags: readonly Tag[]): Promise<void> {
    if (webhooks === undefined) return;
    const each = tags.length === 0 ? [happening] : tags.map((tag) => ({ ...happening, tag }));
    for (const one of each) await webhooks.publish(one);
  }

  return {
    uploadStarted({ repository, id, actor }) {
      log.debug('uploadStarted', 'upload started', {
        ...by(actor),
        'vars.name': repository,
        'vars.uuid': id,
      });
    },
    uploadCancelled({ repository, id, actor }) {
      log.info('uploadCancelled', 'upload cancelled', {
        ...by(actor),
        'vars.name': repository,
        'vars.uuid': id,
      });
    },
    uploadPurged({ repository, id, bytes, ageMs, isDryRun }) {
      const fields = {
        'vars.name': repository,
        'vars.uuid': id,
        bytes,
        'age.seconds': Math.round(ageMs / 1000),
      };
      jobs.info('uploadPurged', isDryRun ? 'abandoned upload found' : 'abandoned upload removed', fields);
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
      log.info('blobHealed', 'what was damaged was pushed again', { 'vars.digest': digest, size });
      index?.blobChanged(digest);
      feed?.publish({ kind: 'blobHealed', digest, bytes: size });
    },
    blobCollected({ digest, size }) {
      jobs.debug('blobCollected', 'blob collected', { 'vars.digest': digest, size });
      index?.blobChanged(digest);
    },
    collected({ trigger, user, expired, manifests, blobs, bytes, keptBlobs, keptBytes, ms }) {
      jobs.info('collectFinished', 'garbage collected', {
        'auth.user.name': user,
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
    async manifestPushed({ repository, digest, mediaType, size, bytes, tags, actor }) {
      const fields = {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        mediatype: mediaType,
        size,
      };
      log.info('manifestPushed', 'manifest stored', fields);
      await index?.manifestChanged(repository, digest);
      feed?.publish({ kind: 'manifestPushed', repository, digest, bytes: size, ...userOf(actor) });
      // Whoever hears of a tag may pull it at once, so that waits for the tag.
      if (tags.length > 0) return;
      const what = { repository, digest, mediaType, size, manifest: bytes, actor };
      await webhooks?.publish({ action: 'push', kind: 'manifest', ...what });
    },
    async manifestDeleted({ repository, digest, tags, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.digest': digest, tags };
      log.info('manifestDeleted', 'manifest deleted', fields);
      await noteDelete([
        ...tags.map((tag) => ({ ...stamp(actor), kind: 'delete', repository, tag, from: digest }) as const),
        { ...stamp(actor), kind: 'manifestDelete', repository, digest },
      ]);
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
        await note([
          { ...stamp(actor), kind: 'move', repository, tag, ...(from === undefined ? {} : { from }), to },
        ]);
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
      await noteDelete([{ ...stamp(actor), kind: 'delete', repository, tag, from }]);
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
        );
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
    rulesChanged({ actor }) {
      jobs.info('rulesChanged', 'rules changed', by(actor));
      feed?.publish({ kind: 'rulesChanged', ...userOf(actor) });
    },
    ruleRan({ tags, manifests, spared, actor }) {
      jobs.info('ruleRan', 'rules ran', { ...by(actor), tags, manifests, spared });
      feed?.publish({ kind: 'ruleRan', count: tags, ...userOf(actor) });
    },
    tagExpired({ repository, tag, digest, rule }) {
      const fields = { 'vars.name': repository, 'vars.reference': tag, 'vars.digest': digest, rule };
      jobs.info('tagExpired', 'tag expired', fields);
      feed?.publish({ kind: 'tagExpired', repository, tag, digest, rule });
    },
  };
}

function userOf({ user }: Actor): { readonly user?: string } {
  return user === '' ? {} : { user };
}

function by({ user, requestId }: Actor) {
  return { 'auth.user.name': user === '' ? undefined : user, 'http.request.id': requestId };
}
