import type { StoreEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';

/** Turns what happens in the store into log lines: one function per event, so that nothing can disagree. */
export function createEvents(root: Log): StoreEvents {
  const log = root.for('store');
  const jobs = root.for('jobs');
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
    blobStored({ repository, digest, size, isNew, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.digest': digest, size, new: isNew };
      log.info('blobStored', 'blob stored', fields);
    },
    blobMounted({ repository, digest, size, actor }) {
      log.info('blobMounted', 'blob mounted', {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        size,
      });
    },
    blobDeleted({ repository, digest, actor }) {
      log.info('blobDeleted', 'blob deleted', {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
      });
    },
    blobDamaged({ digest, found, size }) {
      const hint = 'push an image that has it again; check the disk';
      log.error('blobDamaged', 'blob is damaged and was put aside', {
        'vars.digest': digest,
        found,
        size,
        hint,
      });
    },
    manifestPushed({ repository, digest, mediaType, size, actor }) {
      const fields = {
        ...by(actor),
        'vars.name': repository,
        'vars.digest': digest,
        mediatype: mediaType,
        size,
      };
      log.info('manifestPushed', 'manifest stored', fields);
    },
    manifestDeleted({ repository, digest, tags, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.digest': digest, tags };
      log.info('manifestDeleted', 'manifest deleted', fields);
    },
    tagMoved({ repository, tag, from, to, actor }) {
      const fields = { ...by(actor), 'vars.name': repository, 'vars.reference': tag, from, to };
      log.info('tagMoved', 'tag set', fields);
    },
    tagDeleted({ repository, tag, from, actor }) {
      log.info('tagDeleted', 'tag deleted', {
        ...by(actor),
        'vars.name': repository,
        'vars.reference': tag,
        from,
      });
    },
  };
}

function by({ user, requestId }: { readonly user: string; readonly requestId: string }) {
  return { 'auth.user.name': user === '' ? undefined : user, 'http.request.id': requestId };
}
