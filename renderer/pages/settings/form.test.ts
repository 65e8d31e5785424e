import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { settingsForm } from '../../../registry/config/form.ts';
import { supportedFields } from '../../../registry/config/fields.ts';
import { loadConfig } from '../../../registry/config/load.ts';
import { createSettings } from '../../../registry/config/settings.ts';
import type { SettingRow } from '../../../registry/spec/admin/settings.ts';
import { cliOf, controlOf, editOf, findSettings, groups, sectionsOf, textOf, warningOf } from './form.ts';

/** The form of a registry with that configuration. */
async function formOf(text: string) {
  const load = () => loadConfig({ file: '/none', text, env: {}, root: '/data' });
  return settingsForm(createSettings({ loaded: await load(), load, root: '/data' }));
}

const fieldOf = (form: Awaited<ReturnType<typeof formOf>>, path: string): SettingRow => {
  const found = form.sections.flatMap(({ fields }) => fields).find((field) => field.path === path);
  assert.ok(found, path);
  return found;
};

test('each kind of setting has its control', async () => {
  const form = await formOf('version: 0.1');
  const kinds = {
    'log.accesslog.disabled': 'toggle',
    'log.level': 'choice',
    'http.secret': 'secret',
    'http.host': 'text',
    'berth.storage.trash': 'text',
    'berth.limits.manifestbytes': 'text',
    'tags.maxtags': 'text',
    'berth.auth.anonymous': 'lines',
    'http.tls.ciphersuites': 'lines',
    'validation.manifests.urls.deny': 'lines',
    'http.headers': 'yaml',
    'berth.log.levels': 'yaml',
    'health.file': 'yaml',
    'notifications.endpoints': 'yaml',
  };

  const found = Object.keys(kinds).map((path) => [path, controlOf(fieldOf(form, path)).kind]);

  assert.deepEqual(Object.fromEntries(found), kinds);
});

test('what stands in a control means the value that it shows', async () => {
  const form = await formOf(`
version: 0.1
http: { headers: { X-A: ['1', 'b: #c'] } }
health: { file: [{ file: /x y, interval: 20s, threshold: 2 }] }
log: { accesslog: { disabled: true } }
berth: { auth: { anonymous: [public/**, 'a*'] }, storage: { trash: 48h } }
`);
  const mean = (path: string): unknown => {
    const field = fieldOf(form, path);
    const edit = editOf(field, textOf(field));
    assert.ok(edit, path);
    return 'text' in edit ? parse(edit.text) : edit.value;
  };

  assert.deepEqual(mean('http.headers'), { 'X-A': ['1', 'b: #c'] });
  assert.deepEqual(mean('health.file'), [{ file: '/x y', interval: '20s', threshold: 2 }]);
  assert.deepEqual(mean('log.accesslog.disabled'), true);
  assert.deepEqual(mean('berth.auth.anonymous'), ['public/**', 'a*']);
  assert.deepEqual(mean('berth.storage.trash'), '48h');
  assert.equal(editOf(fieldOf(form, 'http.host'), ' '), undefined);
});

test('the command line is the one that sets the present value', async () => {
  const form = await formOf('{ version: 0.1, berth: { auth: { anonymous: [public/**] } } }');
  const lines = ['berth.auth.anonymous', 'berth.storage.trash', 'http.host', 'http.secret', 'tags.maxtags'];

  assert.deepEqual(
    lines.map((path) => cliOf(fieldOf(form, path))),
    [
      `berth config set berth.auth.anonymous '["public/**"]'`,
      'berth config set berth.storage.trash 168h',
      'berth config set http.host VALUE',
      'berth config set http.secret --stdin',
      'berth config set tags.maxtags 1000',
    ],
  );
});

test('every setting is in one group, and is found by its path', async () => {
  const form = await formOf('version: 0.1');
  const paths = supportedFields.map(({ path }) => path);

  const grouped = groups.flatMap((group) => sectionsOf(form, group)).flatMap(({ fields }) => fields);
  const more = groups.find(({ id }) => id === 'more');

  assert.deepEqual(grouped.map(({ path }) => path).toSorted(), paths.toSorted());
  // A new section is given a group of its own.
  assert.deepEqual(more && sectionsOf(form, more).map(({ name }) => name), ['version']);
  for (const path of paths) {
    const found = findSettings(form, path).flatMap(({ fields }) => fields.map((field) => field.path));
    assert.ok(found.includes(path), path);
  }
  assert.deepEqual(findSettings(form, 'no such setting'), []);
});

test('an address that other computers reach is warned of', () => {
  const warned = [':5443', '0.0.0.0:5443', '[::]:5443', 'registry.lan:5443', '192.168.1.7:5443'];
  const fine = [undefined, 'localhost:5443', '127.0.0.1:5443', '127.0.0.2:0', '[::1]:5443'];
  const isWarned = (value: string | undefined): boolean =>
    warningOf({ path: 'http.addr', ...(value === undefined ? {} : { value }) }) !== undefined;

  assert.deepEqual(
    [...warned, ...fine].filter((value) => isWarned(value)),
    warned,
  );
  assert.equal(warningOf({ path: 'http.debug.addr', value: ':5001' }), undefined);
});
