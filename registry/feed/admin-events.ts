import type { Actor, AdminEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import type { Feed } from './feed.ts';

/** Turns what somebody changed of the registry itself into a log line and an item of the feed. */
export function createAdminEvents(root: Log, feed: Pick<Feed, 'publish'>): AdminEvents {
  const auth = root.for('auth');
  const admin = root.for('admin');
  return {
    userChanged({ name, change, actor }) {
      auth.info('userChanged', 'a user was changed', { ...by(actor), name, change });
      feed.publish({ kind: 'userChanged', names: [name], ...userOf(actor) });
    },
    usersImported({ added, changed, actor }) {
      auth.info('userChanged', 'users were imported', { ...by(actor), change: 'imported', added, changed });
      feed.publish({ kind: 'userChanged', names: [...added, ...changed], ...userOf(actor) });
    },
    tokenChanged({ id, change, owner, actor }) {
      auth.info('tokenChanged', 'a token was changed', { ...by(actor), id, owner, change });
      feed.publish({ kind: 'tokenChanged', names: [id], ...userOf(actor) });
    },
    settingsChanged({ paths, pending, actor }) {
      admin.info('settingsChanged', 'settings were changed', { ...by(actor), paths, pending });
      feed.publish({ kind: 'settingsChanged', names: paths, ...userOf(actor) });
    },
    certificateRenewed({ fingerprint, actor }) {
      admin.info('certificateRenewed', 'the certificate was renewed', { ...by(actor), fingerprint });
      feed.publish({ kind: 'certificateChanged', ...userOf(actor) });
    },
    authoritySealed({ fingerprint, actor }) {
      admin.warn('authoritySealed', 'the authority was sealed', { ...by(actor), fingerprint });
      feed.publish({ kind: 'certificateChanged', ...userOf(actor) });
    },
  };
}

function userOf(actor: Actor | undefined): { readonly user?: string } {
  return actor === undefined || actor.user === '' ? {} : { user: actor.user };
}

function by(actor: Actor | undefined) {
  return {
    'auth.user.name': userOf(actor).user,
    ...(actor === undefined ? {} : { 'http.request.id': actor.requestId }),
  };
}
