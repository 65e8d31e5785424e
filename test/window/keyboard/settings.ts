import { startReceiver } from '../../support/receiver.ts';
import { until } from '../../support/until.ts';
import type { Desk, KeyboardAct } from './desk.ts';

async function open({ page, keys }: Desk, group: string): Promise<void> {
  await keys.screen(',');
  await keys.use(
    page.getByRole('navigation', { name: 'Groups of settings' }).getByRole('link', { name: group }),
  );
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
}

async function hookOf({ client }: Desk, name: string) {
  return (await client.call('webhooks.list', {})).find((row) => row.name === name);
}

/** Goes to the row of a webhook, and chooses what is done with it. */
async function act(desk: Desk, name: string, entry: string): Promise<void> {
  await desk.keys.row('Webhooks', name);
  await desk.keys.menu(entry);
}

export const settingsActs: readonly KeyboardAct[] = [
  {
    name: 'a setting is changed, and reset',
    covers: [
      'pages/settings/use-setting-edit.ts settings.set',
      'pages/settings/use-setting-edit.ts settings.reset',
    ],
    async run(desk) {
      const { page, keys, client } = desk;
      const isReadOnly = async () => (await client.call('status.get', {})).isReadOnly;
      await keys.screen(',');
      await keys.press('/');
      await keys.type('read-only');
      await keys.press('F6');
      const field = page.getByRole('main').getByRole('group', { name: 'Read-only', exact: true });
      await keys.tabTo(field.getByRole('switch'));
      await keys.press('Space');
      await until('it is read-only', isReadOnly);
      await keys.use(field.getByRole('button', { name: 'Reset Read-only' }));
      await until('it is not', async () => !(await isReadOnly()));
    },
  },
  {
    name: 'all settings are reset',
    covers: ['pages/settings/reset.tsx settings.reset'],
    async run(desk) {
      const { page, keys, client } = desk;
      // Two, so that the count tells them from one that was just reset.
      const paths = ['tags.maxtags', 'catalog.maxentries'];
      await client.call('settings.set', { changes: paths.map((path) => ({ path, value: 9 })) });
      await open(desk, 'Reset and uninstall');
      const ofFile = async (): Promise<number> => {
        const { sections } = await client.call('settings.form', {});
        return sections
          .flatMap(({ fields }) => fields)
          .filter(({ path, source }) => path !== 'version' && source === 'file').length;
      };
      await keys.use(page.getByRole('button', { name: new RegExp(`^Reset ${await ofFile()} settings?…$`) }));
      await keys.confirm(/^Reset \d+ setting/);
      await until('they are at their defaults', async () => (await ofFile()) === 0);
    },
  },
  {
    name: 'a webhook is added, changed, tested, switched off and on, tried, given up and removed',
    covers: [
      'pages/settings/webhook-dialog.tsx webhooks.set',
      'pages/settings/webhooks.tsx webhooks.set',
      'pages/settings/webhooks.tsx webhooks.test',
      'pages/settings/webhooks.tsx webhooks.retry',
      'pages/settings/webhooks.tsx webhooks.purge',
      'pages/settings/webhooks.tsx webhooks.remove',
    ],
    async run(desk) {
      const { page, keys, client, push } = desk;
      await using receiver = await startReceiver({
        instead(res, _, count) {
          // The test is taken; what is pushed is not.
          if (count > 1) res.writeHead(503).end();
          return count > 1;
        },
      });
      await open(desk, 'Webhooks');
      await keys.use(page.getByRole('button', { name: 'Add webhook' }));
      const dialog = page.getByRole('dialog', { name: 'Add webhook' });
      await keys.fill(dialog.getByRole('textbox', { name: 'Name' }), 'ci');
      await keys.fill(dialog.getByRole('textbox', { name: 'Address' }), receiver.url);
      await keys.press('Enter');
      await until('it is there', async () => (await hookOf(desk, 'ci')) !== undefined);
      await dialog.waitFor({ state: 'detached' });

      await act(desk, 'ci', 'Change');
      const change = page.getByRole('dialog', { name: 'Change ci' });
      await keys.fill(change.getByLabel(/^Try again after/), '300');
      await keys.press('Enter');
      await until('it waits longer', async () => (await hookOf(desk, 'ci'))?.backoffMs === 300_000);
      await change.waitFor({ state: 'detached' });

      await act(desk, 'ci', 'Send a test');
      await page.getByText(/^Took it/).waitFor();

      await act(desk, 'ci', 'Disable');
      await until('it is off', async () => (await hookOf(desk, 'ci'))?.state === 'disabled');
      // What the menu offers is what the row shows.
      const row = page.getByRole('row', { name: 'ci' });
      await row.getByText('Disabled').waitFor();
      await act(desk, 'ci', 'Enable');
      await until('it is on', async () => (await hookOf(desk, 'ci'))?.state !== 'disabled');
      await row.getByText('Disabled').waitFor({ state: 'detached' });

      await push('keys/told', '1', 'told');
      await until('it fails', async () => (await hookOf(desk, 'ci'))?.state === 'failing');
      await page.getByText('Failing').waitFor();
      const tried = receiver.nextRequest();
      await act(desk, 'ci', 'Try again now');
      await tried;
      await until('it failed again', async () => (await hookOf(desk, 'ci'))?.nextTryAt !== undefined);

      await act(desk, 'ci', 'Give up what waits');
      await keys.confirm(/^Give up/);
      await until('nothing waits', async () => (await hookOf(desk, 'ci'))?.pending === 0);
      await act(desk, 'ci', 'Remove');
      await keys.confirm('Remove 1 webhook');
      await until('it is gone', async () => (await client.call('webhooks.list', {})).length === 0);
    },
  },
  {
    name: 'the certificate is renewed, and the authority is sealed',
    covers: [
      'pages/settings/certificate.tsx certificate.renew',
      'pages/settings/certificate.tsx certificate.seal',
    ],
    async run(desk) {
      const { page, keys, client } = desk;
      const look = () => client.call('certificate.get', {});
      const former = await look();
      await open(desk, 'Certificate');
      await keys.use(page.getByRole('button', { name: 'Renew' }));
      await keys.confirm('Renew');
      await until('it is another', async () => (await look()).leaf.fingerprint !== former.leaf.fingerprint);
      await keys.use(page.getByRole('button', { name: 'Seal…' }));
      await keys.fill(
        page.getByRole('alertdialog').getByRole('textbox'),
        former.authority?.fingerprint ?? 'none',
      );
      await keys.confirm('Destroy 1 key');
      await until('it is sealed', async () => (await look()).authority?.isSealed === true);
    },
  },
];
