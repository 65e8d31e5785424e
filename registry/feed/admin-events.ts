import type { AuditRow } from '../spec/audit.ts';
import type { Actor, AdminEvents, AuditEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import { checkRepository } from '../spec/names.ts';
import type { Feed } from './feed.ts';

/** Turns what somebody changed of the registry itself into a log line, an item of the feed and a line of the audit. */
export function createAdminEvents(
  root: Log,
  feed: Pick<Feed, 'publish'>,
  { audited }: AuditEvents,
): AdminEvents {
  const auth = root.for('auth');
  const admin = root.for('admin');

  /** What changes by itself, or because a file did, has nobody who did it. */
  function note(kind: AuditRow['kind'], actor: Actor | undefined, subject: string, detail?: string) {
    return audited({
      kind,
      actor: actor ?? { user: '', requestId: '' },
      subject: subject.slice(0, longestSubject),
      ...(detail === undefined ? {} : { detail }),
    });
  }

  return {
    async userChanged({ name, change, actor }) {
      auth.info('userChanged', 'a user was changed', { ...by(actor), name, change });
      feed.publish({ kind: 'userChanged', names: [name], ...userOf(actor) });
      const kind =
        change === 'password' ? 'passwordChanged' : change === 'role' ? 'roleChanged' : 'userChanged';
      await note(kind, actor, name, change);
    },
    async usersImported({ added, changed, actor }) {
      auth.info('userChanged', 'users were imported', { ...by(actor), change: 'imported', added, changed });
      feed.publish({ kind: 'userChanged', names: [...added, ...changed], ...userOf(actor) });
      await note('userChanged', actor, [...added, ...changed].join(' '), 'imported');
    },
    async tokenChanged({ id, change, owner, isOfCheck = false, actor }) {
      auth.info('tokenChanged', 'a token was changed', { ...by(actor), id, owner, change });
      feed.publish({ kind: 'tokenChanged', names: [id], ...userOf(actor) });
      await audited({
        kind: 'tokenChanged',
        actor,
        subject: id,
        detail: owner === undefined ? change : `${change} for ${owner}`,
        ...(isOfCheck ? { repository: checkRepository } : {}),
      });
    },
    async settingsChanged({ paths, pending, actor }) {
      admin.info('settingsChanged', 'settings were changed', { ...by(actor), paths, pending });
      feed.publish({ kind: 'settingsChanged', names: paths, ...userOf(actor) });
      if (paths.length > 0) await note('settingChanged', actor, paths.join(' '));
    },
    async certificateRenewed({ fingerprint, actor }) {
      admin.info('certificateRenewed', 'the certificate was renewed', { ...by(actor), fingerprint });
      feed.publish({ kind: 'certificateChanged', ...userOf(actor) });
      await note('certificateChanged', actor, fingerprint, 'renewed');
    },
    async authoritySealed({ fingerprint, actor }) {
      admin.warn('authoritySealed', 'the authority was sealed', { ...by(actor), fingerprint });
      feed.publish({ kind: 'certificateChanged', ...userOf(actor) });
      await note('certificateChanged', actor, fingerprint, 'authority sealed');
    },
  };
}

const longestSubject = 500;

function userOf(actor: Actor | undefined): { readonly user?: string } {
  return actor === undefined || actor.user === '' ? {} : { user: actor.user };
}

function by(actor: Actor | undefined) {
  return {
    'auth.user.name': userOf(actor).user,
    ...(actor === undefined ? {} : { 'http.request.id': actor.requestId }),
  };
}
