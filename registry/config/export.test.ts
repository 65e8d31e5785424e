import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exportEnvironment, exportFile } from './export.ts';
import { supportedFields, valueAt } from './fields.ts';
import { loadConfig } from './load.ts';
import { editConfig } from './save.ts';

const load = (text: string, env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ file: '/none', text, env, root: '/data' });

/** The lines of an env-file, as docker reads them: no quotes, up to the end of the line. */
function readEnvironment(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' });
const settings = fc.record(
  {
    'log.level': fc.constantFrom('warn', 'debug'),
    'log.fields': fc.dictionary(
      fc.stringMatching(/^[a-z]{1,4}$/),
      fc.oneof(word, fc.integer(), fc.boolean()),
    ),
    'auth.htpasswd.realm': word,
    'http.headers': fc.constant({ 'X-A': ['1', 'b: #c'] }),
    'http.host': fc.constant('https://r.example:5000'),
    'health.file': fc.constant([{ file: '/x y', interval: '20s', threshold: 2 }]),
    'berth.auth.anonymous': fc.constantFrom(['*'], ['a/**', 'b'], 'off'),
    'berth.storage.trash': fc.constantFrom('48h', '90s'),
    'berth.storage.protectedtags': fc.constant(['team/**:v*']),
    'berth.log.levels': fc.constant({ store: 'trace' }),
    'validation.manifests.urls.deny': fc.constant(['^https://[a-z]+\\.example/#']),
  },
  { requiredKeys: [] },
);

// The oracle: what is loaded of the export is what was exported.
test('what is exported means the same, as a file and as variables', async (t) => {
  const seed = Number(process.env['EXPORT_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`EXPORT_SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(settings, async (chosen) => {
      const edits = Object.entries(chosen).map(([path, value]) => ({ path: path.split('.'), value }));
      const loaded = await load(editConfig(undefined, edits));

      const byFile = await load(exportFile(loaded));
      const byEnvironment = await load('', readEnvironment(exportEnvironment(loaded)));

      for (const { path } of supportedFields) {
        assert.deepEqual(valueAt(byFile.config, path), valueAt(loaded.config, path), path);
        assert.deepEqual(valueAt(byEnvironment.config, path), valueAt(loaded.config, path), path);
      }
    }),
    { seed, numRuns: 200 },
  );
});

for (const [name, text] of [
  ['no login', 'auth: none\n'],
  ['memory', 'storage: inmemory\n'],
  ['the old name of the level', 'loglevel: debug\n'],
] as const) {
  test(`${name} is exported in its way`, async () => {
    const loaded = await load(text);

    const byFile = await load(exportFile(loaded));
    const byEnvironment = await load('', readEnvironment(exportEnvironment(loaded)));

    for (const { config } of [byFile, byEnvironment]) {
      assert.deepEqual(
        [config.auth.none, config.storage.inmemory, config.log.level],
        [loaded.config.auth.none, loaded.config.storage.inmemory, loaded.config.log.level],
      );
    }
  });
}

test('secrets are left out, and said to be', async () => {
  const hook = '{ name: ci, url: "http://a/", secret: hush }';
  const loaded = await load(`http: { secret: hush }\nnotifications: { endpoints: [${hook}] }\n`);

  for (const text of [exportFile(loaded), exportEnvironment(loaded)]) {
    assert.match(
      text,
      /^# http\.secret holds secrets and is left out\.\n# notifications\.endpoints holds secrets.*\n/,
    );
    assert.ok(!text.includes('hush'));
  }
});
