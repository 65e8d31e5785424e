import { gzipSync } from 'node:zlib';
import { writeTar } from '../../../registry/archive/tar.ts';
import { pushInto } from '../../support/content.ts';
import { until } from '../../support/until.ts';
import type { Desk, KeyboardAct } from './desk.ts';

/** Goes to a repository, and to one of its tabs. */
async function open({ keys }: Desk, repository: string, tab?: string): Promise<void> {
  await keys.screen('g', 'r');
  await keys.row('Repositories', repository);
  await keys.press('Enter');
  if (tab !== undefined) await keys.tab(tab);
}

/** Pushes a tag, and goes to its row. */
async function rowOf(desk: Desk, repository: string, tag: string): Promise<string> {
  const digest = await desk.push(repository, tag, `${repository} ${tag}`);
  await open(desk, repository);
  await desk.keys.row('Tags', tag);
  return digest;
}

async function tagsOf({ client }: Desk, repository: string): Promise<Readonly<Record<string, string>>> {
  const { rows } = await client.call('tags.list', { repository, limit: 1000 });
  return Object.fromEntries(rows.map(({ tag, digest }) => [tag, digest]));
}

async function isThere(desk: Desk, repository: string, tag: string): Promise<boolean> {
  return Object.hasOwn(await tagsOf(desk, repository), tag);
}

async function isProtected({ client }: Desk, rule: string): Promise<boolean> {
  return (await client.call('protect.list', {})).some((row) => row.rule === rule);
}

/** Takes back what was done last. */
async function undo({ page, keys }: Desk, said: string | RegExp): Promise<void> {
  await keys.undo(said);
  await page.getByText('Undone').last().waitFor();
}

export const contentActs: readonly KeyboardAct[] = [
  {
    name: 'a tag is deleted, and put back',
    covers: ['pages/repository/use-tag-acts.tsx tags.deleteMany', 'state/trash.ts trash.restore'],
    async run(desk) {
      await rowOf(desk, 'keys/deleted', 'doomed');
      await desk.push('keys/deleted', 'kept', 'kept');
      await desk.keys.press('Delete');
      await until('the tag is gone', async () => !(await isThere(desk, 'keys/deleted', 'doomed')));
      await undo(desk, /^Deleted doomed/);
      await until('it is back', () => isThere(desk, 'keys/deleted', 'doomed'));
    },
  },
  {
    name: 'a repository is described and made read-only',
    covers: ['pages/repository/use-note.ts repositories.set'],
    async run(desk) {
      const { page, keys, client } = desk;
      const repository = 'keys/noted';
      const note = async () => await client.call('repositories.get', { repository });
      await desk.push(repository, '1', 'noted');
      await open(desk, repository, 'Settings');
      await keys.tabTo(page.getByRole('textbox', { name: 'What it is for' }));
      await page.keyboard.type('Kept');
      await keys.press('Enter');
      await until('it is described', async () => (await note()).description === 'Kept');
      await keys.tabTo(page.getByRole('switch', { name: /^Read-only/ }));
      await keys.press('Space');
      await until('it is read-only', async () => (await note()).isReadOnly === true);
      await undo(desk, `${repository} is read-only`);
      await until('it is writable', async () => (await note()).isReadOnly !== true);
    },
  },
  {
    name: 'tags are selected, and deleted together',
    covers: ['pages/repository/use-tag-acts.tsx tags.deleteMany'],
    async run(desk) {
      const { page, keys } = desk;
      for (const tag of ['a', 'b', 'c']) await desk.push('keys/many', tag, tag);
      await open(desk, 'keys/many');
      await keys.row('Tags', 'c');
      await keys.press('Space', 'Shift+ArrowDown');
      await keys.use(page.getByRole('button', { name: 'Delete 2 tags' }));
      await until('one is left', async () => Object.keys(await tagsOf(desk, 'keys/many')).length === 1);
      await undo(desk, /^Deleted 2 tags/);
    },
  },
  {
    name: 'a tag is protected, and no longer',
    covers: [
      'pages/repository/use-tag-acts.tsx protect.add',
      'pages/repository/use-tag-acts.tsx protect.remove',
    ],
    async run(desk) {
      await rowOf(desk, 'keys/protected', 'v1');
      await desk.keys.menu('Protect');
      await until('it is protected', () => isProtected(desk, 'keys/protected:v1'));
      await desk.page.getByText('v1 keeps its meaning').waitFor();
      await desk.keys.row('Tags', 'v1');
      await desk.keys.menu('Stop protecting');
      await until('it is not', async () => !(await isProtected(desk, 'keys/protected:v1')));
    },
  },
  {
    name: 'a further tag is added, and taken back',
    covers: ['pages/image/point-tag.ts tags.set', 'pages/image/point-tag.ts tags.delete'],
    async run(desk) {
      const { page, keys } = desk;
      await rowOf(desk, 'keys/added', 'one');
      await keys.menu('Add tag');
      await page.getByRole('textbox', { name: 'Tag' }).and(page.locator(':focus')).waitFor();
      await keys.type('also');
      await keys.press('Enter');
      await until('it is there', () => isThere(desk, 'keys/added', 'also'));
      await undo(desk, 'keys/added:also is a tag of this image');
      await until('it is not', async () => !(await isThere(desk, 'keys/added', 'also')));
    },
  },
  {
    name: 'an image is copied to a new name and over another, and both are taken back',
    covers: [
      'pages/image/copy-image.tsx images.copy',
      'pages/image/copy-image.tsx tags.delete',
      'pages/image/copy-image.tsx tags.set',
    ],
    async run(desk) {
      const { page, keys } = desk;
      const former = await desk.push('keys/target', 'taken', 'another image');
      const digest = await rowOf(desk, 'keys/source', 'one');
      for (const [tag, before] of [
        ['new', undefined],
        ['taken', former],
      ] as const) {
        await keys.row('Tags', 'one');
        await keys.menu('Copy to');
        const dialog = page.getByRole('dialog', { name: 'Copy to another name' });
        await keys.fill(dialog.getByRole('textbox', { name: 'Repository' }), 'keys/target');
        await keys.fill(dialog.getByRole('textbox', { name: 'Tag' }), tag);
        await keys.press('Enter');
        await until('it is copied', async () => (await tagsOf(desk, 'keys/target'))[tag] === digest);
        await dialog.waitFor({ state: 'detached' });
        await undo(desk, /^Copied to keys\/target/);
        await until('it is as before', async () => (await tagsOf(desk, 'keys/target'))[tag] === before);
      }
    },
  },
  {
    name: 'an untagged manifest gets a tag; another is deleted, and put back',
    covers: ['pages/repository/use-delete-manifests.ts manifests.delete', 'state/trash.ts trash.restore'],
    async run(desk) {
      const { page, keys, client } = desk;
      const [first, second] = [
        await desk.push('keys/untagged', '1', 'a'),
        await desk.push('keys/untagged', '1', 'b'),
      ];
      await desk.push('keys/untagged', '1', 'c');
      const isStored = async (digest: string) =>
        (await client.call('manifests.list', { repository: 'keys/untagged' })).rows.some(
          (row) => row.digest === digest,
        );
      await open(desk, 'keys/untagged', 'Untagged');
      await keys.row('Untagged manifests', first.slice(7, 19));
      await keys.press('t');
      await page.getByRole('textbox', { name: 'Tag' }).and(page.locator(':focus')).waitFor();
      await keys.type('found');
      await keys.press('Enter');
      await until('it has a tag', async () => (await tagsOf(desk, 'keys/untagged'))['found'] === first);
      await keys.row('Untagged manifests', second.slice(7, 19));
      await keys.press('Delete');
      await until('it is gone', async () => !(await isStored(second)));
      await undo(desk, /^Deleted /);
      await until('it is back', () => isStored(second));
      await keys.row('Untagged manifests', second.slice(7, 19));
      await keys.press('Space');
      await keys.use(page.getByRole('button', { name: 'Delete 1 manifest' }));
      await until('it is gone again', async () => !(await isStored(second)));
      await undo(desk, /^Deleted /);
    },
  },
  {
    name: 'a tag means again what it meant before a move and before its delete',
    covers: [
      'pages/image/use-rollback.ts tags.set',
      'pages/image/use-rollback.ts tags.delete',
      'pages/image/use-rollback.ts trash.restore',
    ],
    async run(desk) {
      const { keys, client } = desk;
      const repository = 'keys/moved';
      const first = await desk.push(repository, '1', 'first');
      const second = await desk.push(repository, '1', 'second');
      await desk.push(repository, 'other', 'other');
      await open(desk, repository, 'History');
      await keys.row('History', 'Moved');
      await keys.press('r');
      await until('it means the first', async () => (await tagsOf(desk, repository))['1'] === first);
      await undo(desk, /^1 means .* again/);
      await until('it means the second', async () => (await tagsOf(desk, repository))['1'] === second);
      await client.call('tags.delete', { repository, tag: '1' });
      await keys.row('History', 'Deleted');
      await keys.press('r');
      await until('it is back', async () => (await tagsOf(desk, repository))['1'] === second);
      await undo(desk, /^1 means .* again/);
      await until('it is deleted', async () => !(await isThere(desk, repository, '1')));
    },
  },
  {
    name: 'a repository is opened to everybody, and tags of it are protected by a pattern',
    covers: [
      'pages/repository/settings-tab.tsx access.setAnonymous',
      'pages/repository/settings-tab.tsx protect.add',
      'pages/repository/settings-tab.tsx protect.remove',
    ],
    async run(desk) {
      const { page, keys, client } = desk;
      const isOpen = async () =>
        (await client.call('access.anonymous', {})).repositories.includes('keys/settings');
      await desk.push('keys/settings', '1', 'one');
      await open(desk, 'keys/settings', 'Settings');
      await keys.tabTo(page.getByRole('switch', { name: /Everybody may pull/ }));
      await keys.press('Space');
      await until('it is open', isOpen);
      await undo(desk, 'Everybody may pull keys/settings');
      await until('it is not', async () => !(await isOpen()));
      await keys.fill(page.getByRole('textbox', { name: 'Tag or pattern to protect' }), 'v*');
      await keys.press('Enter');
      await until('it is protected', () => isProtected(desk, 'keys/settings:v*'));
      await keys.use(page.getByRole('button', { name: 'Stop protecting keys/settings:v*' }));
      await until('it is not protected', async () => !(await isProtected(desk, 'keys/settings:v*')));
    },
  },
  {
    name: 'the tag of an image is deleted where the image is shown, and put back',
    covers: ['pages/image/actions.tsx tags.delete', 'pages/image/actions.tsx trash.restore'],
    async run(desk) {
      const { page, keys } = desk;
      await desk.push('keys/image', 'other', 'other');
      await rowOf(desk, 'keys/image', 'shown');
      await keys.press('Enter');
      await page.getByRole('tab', { name: 'Raw' }).waitFor();
      await keys.press('Delete');
      await until('it is gone', async () => !(await isThere(desk, 'keys/image', 'shown')));
      await undo(desk, /^Deleted keys\/image:shown/);
      await until('it is back', () => isThere(desk, 'keys/image', 'shown'));
    },
  },
  {
    name: 'a layer, a file of it, and one of an artifact, are saved',
    covers: ['pages/image/file-dialog.tsx layers.download', 'pages/image/use-save-blob.ts blobs.download'],
    async run(desk) {
      const { page, keys } = desk;
      const layer = gzipSync(writeTar([{ name: 'motd', bytes: Buffer.from('hello') }]));
      const pusher = pushInto({ ...desk.registry, user: desk.user }, 'keys/files');
      await pusher.image({ layers: [layer], config: { os: 'linux', architecture: 'amd64' } }, 'image');
      const file = {
        ...(await pusher.blob('a file', 'text/plain')),
        annotations: { 'org.opencontainers.image.title': 'notes.txt' },
      };
      const config = await pusher.blob('{}', 'application/vnd.oci.empty.v1+json');
      await pusher.manifest({ artifactType: 'application/vnd.test', config, layers: [file] }, 'artifact');

      await open(desk, 'keys/files');
      await keys.row('Tags', 'image');
      await keys.press('Enter');
      await keys.tab('Layers');
      const savedLayer = page.waitForEvent('download');
      await keys.use(page.getByRole('button', { name: 'Download layer 1' }));
      await savedLayer;
      await keys.tabTo(page.getByRole('grid', { name: 'Layers' }).locator('[data-row]'));
      await keys.press('Enter');
      await keys.row('Files', 'motd');
      await keys.press('Enter');
      const saved = page.waitForEvent('download');
      await keys.use(page.getByRole('dialog', { name: 'motd' }).getByRole('button', { name: 'Download' }));
      await saved;
      await keys.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });

      await open(desk, 'keys/files');
      await keys.row('Tags', 'artifact');
      await keys.press('Enter');
      await keys.tab('Files');
      await keys.row('Files', 'notes.txt');
      const savedBlob = page.waitForEvent('download');
      await keys.use(page.getByRole('button', { name: 'Download file 1' }));
      await savedBlob;
    },
  },
  {
    name: 'a repository is deleted, and put back',
    covers: ['pages/repositories/delete-repository.tsx repositories.delete', 'state/trash.ts trash.restore'],
    async run(desk) {
      const { page, keys, client } = desk;
      const names = async () =>
        (await client.call('repositories.list', { limit: 1000 })).rows.map(({ name }) => name);
      await desk.push('keys/gone', '1', 'one');
      await keys.screen('g', 'r');
      await keys.row('Repositories', 'keys/gone');
      await keys.press('Delete');
      await page
        .getByRole('textbox', { name: 'Type keys/gone to confirm' })
        .and(page.locator(':focus'))
        .waitFor();
      await keys.type('keys/gone');
      await keys.confirm('Delete 1 tag');
      await until('it is gone', async () => !(await names()).includes('keys/gone'));
      await undo(desk, 'keys/gone is in the trash');
      await until('it is back', async () => (await names()).includes('keys/gone'));
    },
  },
];
