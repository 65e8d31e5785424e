import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAppError } from '../spec/errors.ts';
import { settingsForm } from './form.ts';
import { supportedFields, valueAt } from './fields.ts';
import { loadConfig } from './load.ts';
import { ownConfigFile, parseValue } from './save.ts';
import { createSettings } from './settings.ts';

interface Setup {
  /** What the own file holds. */
  readonly own?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The path of another file than the own one. */
  readonly file?: string;
}

/** The settings of a process that was started on a data directory. */
async function start({ own, env = {}, file }: Setup = {}) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-settings-'));
  const root = directory.path;
  await mkdir(join(root, 'berth'), { mode: 0o700 });
  if (own !== undefined) await writeFile(ownConfigFile(root), own);
  const load = (text?: string) => loadConfig({ file, env, root, text });
  const settings = createSettings({ loaded: await load(), load, root });
  return {
    root,
    settings,
    load,
    text: () => readFile(file ?? ownConfigFile(root), 'utf8'),
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

const set = (path: string, value: unknown) => [{ path, value }];

test('a field that needs no restart is in force at once, another one waits for it', async () => {
  await using one = await start();
  const { settings } = one;
  const heard: (readonly string[])[] = [];
  settings.onChange((paths) => heard.push(paths));
  const made: number[] = [];
  const tags = settings.live(({ tags: { maxtags } }) => made.push(maxtags));
  tags();
  tags();

  const change = await settings.change([
    { path: 'tags.maxtags', value: 50 },
    { path: 'http.prefix', value: '/x/' },
  ]);
  tags();
  tags();

  assert.deepEqual(change, {
    inForce: ['tags.maxtags'],
    pending: [{ path: 'http.prefix', restart: 'listener' }],
    file: ownConfigFile(one.root),
  });
  assert.deepEqual([settings.current().tags.maxtags, settings.current().http.prefix], [50, '/']);
  assert.deepEqual([heard, made], [[['tags.maxtags']], [1000, 50]]);
  assert.deepEqual(settings.pending(), ['http.prefix']);
  assert.equal(await one.text(), 'version: "0.1"\ntags:\n  maxtags: 50\nhttp:\n  prefix: /x/\n');
  assert.equal((await stat(ownConfigFile(one.root))).mode & 0o777, 0o600);

  await settings.change(set('http.prefix', undefined));
  assert.deepEqual(settings.pending(), []);
});

test('a value that the process has acted on waits for nothing', async () => {
  await using one = await start();

  await one.settings.change(set('http.addr', 'localhost:5444'), { isApplied: true });

  assert.deepEqual([one.settings.current().http.addr, one.settings.pending()], ['localhost:5444', []]);
});

const edits: Readonly<Record<string, { before: string; path: string; value: unknown; after: string }>> = {
  'comments, order and words stay': {
    before:
      '# ours\nversion: 0.1\nlog:\n  # quiet\n  level: warn # for now\n\n  fields: { a: b }\nx-own: &a { b: "c" }\n',
    path: 'log.level',
    value: 'info',
    after:
      '# ours\nversion: 0.1\nlog:\n  # quiet\n  level: info # for now\n\n  fields: { a: b }\nx-own: &a { b: "c" }\n',
  },
  'a list takes the place of a word and keeps its comment': {
    before: 'berth:\n  auth:\n    anonymous: off # nobody\n',
    path: 'berth.auth.anonymous',
    value: ['public/**'],
    after: 'berth:\n  auth:\n    anonymous: [ public/** ] # nobody\n',
  },
  'a short form becomes a map': {
    before: 'storage: inmemory\n',
    path: 'storage.delete.enabled',
    value: false,
    after: 'storage:\n  inmemory: {}\n  delete:\n    enabled: false\n',
  },
  'an empty key becomes a map': {
    before: 'log:\ntags:\n',
    path: 'log.level',
    value: 'warn',
    after: 'log:\n  level: warn\ntags:\n',
  },
  'a file of comments alone keeps them': {
    before: '# nothing yet\n',
    path: 'log.level',
    value: 'warn',
    after: '# nothing yet\n\nlog:\n  level: warn\n',
  },
  'groups that become empty go': {
    before: 'version: 0.1\nstorage:\n  maintenance:\n    readonly:\n      enabled: true\n',
    path: 'storage.maintenance.readonly.enabled',
    value: undefined,
    after: 'version: 0.1\n',
  },
  'a way to log in stays when it becomes empty': {
    before: 'auth:\n  htpasswd:\n    realm: us\n',
    path: 'auth.htpasswd.realm',
    value: undefined,
    after: 'auth:\n  htpasswd: {}\n',
  },
  'what is not there is taken out for nothing': {
    before: 'tags: { maxtags: 5 }\n',
    path: 'log.level',
    value: undefined,
    after: 'tags: { maxtags: 5 }\n',
  },
  'long lines are not broken': {
    before: `log:\n  fields: { a: ${'word '.repeat(40).trim()} }\n`,
    path: 'tags.maxtags',
    value: 5,
    after: `log:\n  fields: { a: ${'word '.repeat(40).trim()} }\ntags:\n  maxtags: 5\n`,
  },
};
for (const [name, { before, path, value, after }] of Object.entries(edits)) {
  test(`the file is edited: ${name}`, async () => {
    await using one = await start({ own: before });

    await one.settings.change(set(path, value));

    assert.equal(await one.text(), after);
  });
}

const refusals: Readonly<
  Record<string, { setup?: Setup; path: string; value?: unknown; code: string; says: RegExp }>
> = {
  'a value that does not fit': {
    path: 'log.level',
    value: 'loud',
    code: 'CONFIG_INVALID',
    says: /^log\.level must be error, warn/,
  },
  'a value that does not fit another': {
    path: 'http.tls.certificate',
    value: '/a.pem',
    code: 'CONFIG_INVALID',
    says: /^http\.tls\.certificate needs http\.tls\.key/,
  },
  'a map where a value belongs': {
    path: 'tags.maxtags',
    value: { a: 1 },
    code: 'CONFIG_INVALID',
    says: /tags\.maxtags/,
  },
  'an unknown setting': { path: 'log.levl', code: 'SETTING_UNKNOWN', says: /nearest is log\.level/ },
  'a group': { path: 'log', code: 'SETTING_UNKNOWN', says: /no setting/ },
  'a setting without effect': { path: 'redis', code: 'SETTING_UNKNOWN', says: /no effect/ },
  'a setting that is refused': { path: 'proxy', value: {}, code: 'SETTING_UNKNOWN', says: /no effect/ },
  'a name of every object': { path: '__proto__.x', value: 1, code: 'SETTING_UNKNOWN', says: /no setting/ },
  'what a variable fixes': {
    setup: { env: { REGISTRY_LOG_LEVEL: 'warn' } },
    path: 'log.level',
    value: 'info',
    code: 'SETTING_LOCKED',
    says: /fixed by REGISTRY_LOG_LEVEL/,
  },
  'what a variable fixes in a part': {
    setup: { env: { REGISTRY_LOG_FIELDS_A: 'b' } },
    path: 'log.fields',
    value: {},
    code: 'SETTING_LOCKED',
    says: /fixed by REGISTRY_LOG_FIELDS_A/,
  },
  'the stars of a secret': {
    setup: { own: 'http: { secret: hush }\n' },
    path: 'http.secret',
    value: '***',
    code: 'USAGE',
    says: /secret/,
  },
  'the stars of a secret inside of a list': {
    path: 'notifications.endpoints',
    value: [{ name: 'ci', url: 'http://a/', secret: '***' }],
    code: 'USAGE',
    says: /secret/,
  },
  'what stands in an alias': {
    setup: { own: 'x-a: &a { level: warn }\nlog: *a\n' },
    path: 'log.level',
    value: 'info',
    code: 'CONFIG_INVALID',
    says: /log is written in the file in a way/,
  },
  'what would hide what a merge key brings': {
    setup: { own: 'x-a: &a\n  log: { level: warn, formatter: json }\n<<: *a\n' },
    path: 'log.level',
    value: 'info',
    code: 'CONFIG_INVALID',
    says: /log\.formatter would change as well/,
  },
};
for (const [name, { setup = {}, path, value, code, says }] of Object.entries(refusals)) {
  test(`${name} is refused, and neither file nor settings change`, async () => {
    await using one = await start({ own: 'version: 0.1\n', ...setup });
    const [before, text] = [one.settings.current(), await one.text()];

    await assert.rejects(one.settings.change([...set('tags.maxtags', 7), ...set(path, value)]), {
      code,
      message: says,
    });

    assert.equal(await one.text(), text);
    assert.equal(one.settings.current(), before);
  });
}

test('a file of somebody else is written with its mode kept, and a file that cannot be written is named', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-foreign-'));
  const file = join(directory.path, 'registry.yml');
  await writeFile(file, '# by hand\nversion: 0.1\n');
  await chmod(file, 0o644);
  await using one = await start({ file });

  await one.settings.change(set('tags.maxtags', 5));

  assert.equal(await readFile(file, 'utf8'), '# by hand\nversion: 0.1\ntags:\n  maxtags: 5\n');
  assert.equal((await stat(file)).mode & 0o777, 0o644);
  const { root } = one;
  const load = () => one.load('version: 0.1\n');
  // Nobody makes files below /proc, not even root.
  const stuck = createSettings({ loaded: { ...(await load()), file: '/proc/version' }, load, root });
  await assert.rejects(stuck.change(set('tags.maxtags', 5)), {
    code: 'SETTING_LOCKED',
    message: /\/proc\/version cannot be written \(E[A-Z]+\)/,
  });
});

test('a file that broke meanwhile is named with its line, and left as it is', async () => {
  await using one = await start({ own: 'version: 0.1\n' });
  await writeFile(ownConfigFile(one.root), 'log: {\n');

  await assert.rejects(one.settings.change(set('tags.maxtags', 5)), {
    code: 'CONFIG_INVALID',
    message: /config\.yml:\d+:\d+/,
  });
  await assert.rejects(one.settings.reload(), { code: 'CONFIG_INVALID' });

  assert.equal(await one.text(), 'log: {\n');
  assert.equal(one.settings.current().tags.maxtags, 1000);
});

test('what was edited by hand comes into force when it is read again', async () => {
  await using one = await start();
  await writeFile(ownConfigFile(one.root), 'tags: { maxtags: 9 }\nhttp: { prefix: /y/ }\n');

  const paths = await one.settings.reload();

  assert.deepEqual([paths, one.settings.pending()], [['tags.maxtags'], ['http.prefix']]);
});

test('changes at the same moment, of two processes too, are all kept', async () => {
  await using one = await start();
  const other = createSettings({ loaded: await one.load(), load: one.load, root: one.root });
  const values = supportedFields.filter(({ type, path }) => type === 'duration' && path.startsWith('berth.'));

  await Promise.all(
    values.map(({ path }, index) => (index % 2 === 0 ? other : one.settings).change(set(path, '7m'))),
  );

  const { config } = await one.load();
  assert.deepEqual(
    values.map(({ path }) => valueAt(config, path)),
    values.map(() => 420_000),
  );
});

// The oracle: a map of what was set. A change is refused as a whole or is in the file, and in force where it can be.
test('the file, the settings in force and a model of them agree after any sequence', async (t) => {
  const pool: Readonly<Record<string, readonly (readonly [unknown, unknown])[]>> = {
    'log.level': [
      ['warn', 'warn'],
      ['loud', undefined],
    ],
    'log.fields': [
      [
        { a: 'b', 'c.d': 1 },
        { a: 'b', 'c.d': 1 },
      ],
    ],
    'http.prefix': [
      ['/x/', '/x/'],
      ['x', undefined],
    ],
    'http.headers': [[{ 'X-A': ['1', '2'] }, { 'X-A': ['1', '2'] }]],
    'auth.htpasswd.realm': [
      ['true', 'true'],
      ["it's: #1", "it's: #1"],
    ],
    'tags.maxtags': [
      [5, 5],
      ['7', 7],
    ],
    'berth.storage.trash': [
      ['48h', 172_800_000],
      [true, undefined],
    ],
    'berth.auth.anonymous': [
      [
        ['a/**', '*'],
        ['a/**', '*'],
      ],
      ['off', []],
    ],
    'storage.maintenance.readonly.enabled': [
      [true, true],
      ['perhaps', undefined],
    ],
  };
  const step = fc.constantFrom(...Object.keys(pool)).chain((path) => {
    const values = pool[path] ?? [];
    return fc.constantFrom(undefined, ...values).map((chosen) => ({ path, chosen }));
  });
  const seed = Number(process.env['SETTINGS_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`SETTINGS_SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
      async (changes) => {
        await using one = await start({ own: '# kept\nlog: # also kept\n  level: error\n' });
        const defaults = (await one.load('')).config;
        const model = new Map<string, unknown>([['log.level', 'error']]);
        const started = one.settings.current();
        for (const change of changes) {
          const isBad = change.some(({ chosen }) => chosen !== undefined && chosen[1] === undefined);
          const asked = change.map(({ path, chosen }) => ({ path, value: chosen?.[0] }));
          // The last value of a path counts; a bad one before it is never seen.
          const last = new Map(change.map(({ path, chosen }) => [path, chosen]));
          const isRefused =
            isBad && [...last.values()].some((chosen) => chosen !== undefined && chosen[1] === undefined);
          const refused = await one.settings.change(asked).then(
            () => false,
            (error: unknown) => isAppError(error, 'CONFIG_INVALID'),
          );
          assert.equal(refused, isRefused);
          if (refused) continue;
          for (const [path, chosen] of last) {
            if (chosen === undefined) model.delete(path);
            else model.set(path, chosen[1]);
          }
        }
        const { config } = await one.load();
        for (const { path, restart } of supportedFields) {
          const expected = model.has(path) ? model.get(path) : valueAt(defaults, path);
          assert.deepEqual(valueAt(config, path), expected, path);
          const inForce = restart === 'none' ? expected : valueAt(started, path);
          assert.deepEqual(valueAt(one.settings.current(), path), inForce, path);
        }
        assert.match(await one.text(), /^# kept\n/);
      },
    ),
    { seed, numRuns: 60 },
  );
});

test('the form has every supported setting once, and values that can be set as they are shown', async () => {
  await using one = await start({
    own: 'http: { secret: hush, headers: { A: [b] } }\nberth: { storage: { trash: 48h } }\n',
    env: { REGISTRY_LOG_LEVEL: 'warn' },
  });

  const { sections } = settingsForm(one.settings);
  const rows = sections.flatMap(({ fields }) => fields);
  const byPath = new Map(rows.map((row) => [row.path, row]));
  await one.settings.change(
    rows
      .filter(({ isLocked, isSecret, source }) => !isLocked && !isSecret && source === 'file')
      .map(({ path, value }) => ({ path, value })),
  );

  assert.deepEqual(
    rows.map(({ path }) => path),
    supportedFields.map(({ path }) => path),
  );
  const shown = (path: string) => {
    const { value, source, isLocked, restart, schema } = byPath.get(path) ?? assert.fail(path);
    return [value, source, isLocked, restart, schema['type'] ?? schema['enum'] ?? schema['anyOf']];
  };
  assert.deepEqual(['http.secret', 'berth.storage.trash', 'log.level', 'tags.maxtags'].map(shown), [
    ['***', 'file', false, 'process', shown('http.secret')[4]],
    ['48h0m0s', 'file', false, 'none', 'string'],
    ['warn', 'env', true, 'none', 'string'],
    [1000, 'default', false, 'none', 'integer'],
  ]);
  assert.equal(byPath.get('log.level')?.where, 'REGISTRY_LOG_LEVEL');
  assert.equal((await one.load()).config.http.secret, 'hush');
  assert.ok(!JSON.stringify(sections).includes('hush'));
});

test('a value is typed as in the file', () => {
  assert.deepEqual(['48h', 'true', '7', '007', '*', '[a/**, b]', '{A: [b]}', '"7"', ''].map(parseValue), [
    '48h',
    true,
    7,
    '007',
    '*',
    ['a/**', 'b'],
    { A: ['b'] },
    '7',
    null,
  ]);
  assert.throws(() => parseValue('[a'), { code: 'USAGE' });
});
