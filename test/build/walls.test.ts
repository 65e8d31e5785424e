import assert from 'node:assert/strict';
import { cp, mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { run } from '../support/process.ts';

const repository = join(import.meta.dirname, '..', '..');
const oxlint = join(repository, 'node_modules/oxlint/bin/oxlint');
const tsc = join(repository, 'node_modules/typescript/bin/tsc');

/** A line that the folder may not hold, and what reports it. */
const violations = [
  { folder: 'spec', line: "import '../log/logger.ts';", by: ['oxlint', 'TS6307'] },
  { folder: 'spec/admin', line: "import '../../feed/feed.ts';", by: ['oxlint', 'TS6307'] },
  { folder: 'spec', line: "import 'node:fs';", by: ['oxlint', 'TS2882'] },
  { folder: 'spec', line: "import 'yaml';", by: ['oxlint'] },
  { folder: 'spec', line: 'process.exit();', by: ['TS2591'] },
  { folder: 'disk', line: "import '../log/logger.ts';", by: ['oxlint'] },
  { folder: 'archive', line: "import '../disk/private-file.ts';", by: ['oxlint'] },
  { folder: 'image', line: "import '../driver/driver.ts';", by: ['oxlint'] },
  { folder: 'image', line: "import '../admin/server.ts';", by: ['oxlint'] },
  { folder: 'derived', line: "import '../image/layer-files.ts';", by: ['oxlint'] },
  { folder: 'driver', line: "import '../log/logger.ts';", by: ['oxlint'] },
  { folder: 'driver', line: "import '../store/store.ts';", by: ['oxlint'] },
  { folder: 'log', line: "import '../driver/fs.ts';", by: ['oxlint'] },
  { folder: 'config', line: "import '../auth/auth.ts';", by: ['oxlint'] },
  { folder: 'tls', line: "import '../config/load.ts';", by: ['oxlint'] },
  { folder: 'auth', line: "import '../store/store.ts';", by: ['oxlint'] },
  { folder: 'workers', line: "import '../auth/auth.ts';", by: ['oxlint'] },
  { folder: 'store', line: "import '../auth/auth.ts';", by: ['oxlint'] },
  { folder: 'store', line: "import '../feed/events.ts';", by: ['oxlint'] },
  { folder: 'store', line: "import type { Pages } from '../http/small-pages.ts';", by: ['oxlint'] },
  { folder: 'transfer', line: "import '../feed/tasks.ts';", by: ['oxlint'] },
  { folder: 'transfer', line: "import '../driver/fs.ts';", by: ['oxlint'] },
  { folder: 'feed', line: "import '../http/route.ts';", by: ['oxlint'] },
  { folder: 'derived', line: "import '../feed/feed.ts';", by: ['oxlint'] },
  { folder: 'rules', line: "import '../feed/feed.ts';", by: ['oxlint'] },
  { folder: 'rules', line: "import '../auth/access.ts';", by: ['oxlint'] },
  { folder: 'feed', line: "import '../admin/server.ts';", by: ['oxlint'] },
  { folder: 'admin', line: "import '../http/route.ts';", by: ['oxlint'] },
  { folder: 'cli', line: "import '../admin/server.ts';", by: ['oxlint'] },
  { folder: 'jobs', line: "import '../http/route.ts';", by: ['oxlint'] },
  { folder: 'webhooks', line: "import '../store/store.ts';", by: ['oxlint'] },
  { folder: 'http', line: "import '../jobs/purge.ts';", by: ['oxlint'] },
  { folder: 'http', line: "import '../index.ts';", by: ['oxlint'] },
  { folder: 'http', line: "import 'electron';", by: ['oxlint'] },
  { folder: 'http', line: "import 'fs';", by: ['oxlint'] },
  { folder: 'http', line: "import '../cli/main.ts';", by: ['oxlint'] },
  { folder: 'http/api', line: "import '../../admin/server.ts';", by: ['oxlint'] },
  { folder: 'http/api', line: "import '../../store/store.ts';", by: ['oxlint'] },
  { folder: 'http/api', line: "import '../../index.ts';", by: ['oxlint'] },
  { folder: 'http', line: 'document.title;', by: ['TS2584'] },
  { folder: 'cli', line: "import '../store/store.ts';", by: ['oxlint'] },
  { folder: 'cli', line: "import '../http/route.ts';", by: ['oxlint'] },
  { folder: '.', line: "import './cli/main.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../main/engine', line: "import '../../registry/store/store.ts';", by: ['oxlint'] },
  { folder: '../main/engine', line: "import '../../registry/cli/main.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../main/engine/changes', line: "import '../../../registry/index.ts';", by: ['oxlint'] },
  { folder: '../main/engine/changes', line: "import 'electron';", by: ['oxlint'] },
  { folder: '../main/contract', line: "import '../engine/engine.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../main/contract', line: 'process.exit();', by: ['TS2591'] },
  { folder: '../main/consent', line: "import '../../registry/index.ts';", by: ['oxlint'] },
  { folder: '../main/consent', line: "import 'electron';", by: ['oxlint'] },
  { folder: '../main/consent', line: "import '../app.ts';", by: ['oxlint'] },
  { folder: '../main/files', line: "import '../../registry/index.ts';", by: ['oxlint'] },
  { folder: '../main/files', line: "import '../app.ts';", by: ['oxlint'] },
  { folder: '../main/setup', line: "import '../../registry/cli/client.ts';", by: ['oxlint'] },
  { folder: '../main/setup', line: "import 'electron';", by: ['oxlint'] },
  { folder: '../main/data', line: "import '../../registry/driver/fs.ts';", by: ['oxlint'] },
  { folder: '../main/data', line: "import 'electron';", by: ['oxlint'] },
  { folder: '../main/images', line: "import '../app.ts';", by: ['oxlint'] },
  { folder: '../main/system', line: "import '../../registry/index.ts';", by: ['oxlint'] },
  { folder: '../main/system', line: "import 'electron';", by: ['oxlint'] },
  { folder: '../main', line: "import '../registry/index.ts';", by: ['oxlint'] },
  { folder: '../main', line: "import '../registry/cli/client.ts';", by: ['oxlint'] },
  { folder: '../main', line: "import '../renderer/route.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../main', line: 'document.title;', by: ['TS2584'] },
  { folder: '../main/preload', line: "import '../engine/engine.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../main/preload', line: "import '../../registry/spec/errors.ts';", by: ['oxlint'] },
  { folder: '../renderer', line: "import '../main/engine/engine.ts';", by: ['TS6307'] },
  // Of electron itself tsc would take the types, and with them those of Node, into the whole project.
  { folder: '../renderer', line: "import 'electron/renderer';", by: ['oxlint'] },
  { folder: '../renderer', line: "import 'zod';", by: ['oxlint'] },
  { folder: '../renderer', line: "import 'node:fs';", by: ['oxlint', 'TS2882'] },
  { folder: '../renderer', line: "import '../registry/store/store.ts';", by: ['oxlint', 'TS6307'] },
  { folder: '../renderer/pages/home', line: "import '../../../registry/log/logger.ts';", by: ['oxlint'] },
  { folder: '../renderer', line: 'process.exit();', by: ['TS2591'] },
];

function fileOf(index: number): string {
  return join('registry', violations[index]?.folder ?? '', `planted-${index}.ts`);
}

suite('walls between the folders of registry', () => {
  const resources = new AsyncDisposableStack();
  /** What the tools say, line by line, with the file that they say it of at the front. */
  let reports: readonly string[] = [];
  before(async () => {
    const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-walls-')));
    for (const name of ['registry', 'main', 'renderer', 'build', '.oxlintrc.json', 'package.json']) {
      await cp(join(repository, name), join(path, name), { recursive: true });
    }
    await symlink(join(repository, 'node_modules'), join(path, 'node_modules'));
    for (const [index, { line }] of violations.entries()) {
      await writeFile(join(path, fileOf(index)), `${line}\nexport {};\n`);
    }
    const files = violations.map((_, index) => fileOf(index));
    const linted = await run(process.execPath, [oxlint, '--format=unix', ...files], { cwd: path });
    const compiled = await run(
      process.execPath,
      [
        tsc,
        '-b',
        '--force',
        '--pretty',
        'false',
        'registry/cli',
        'main/contract',
        'main/preload',
        'main',
        'renderer',
      ],
      { cwd: path },
    );
    reports = `${linted.stdout}\n${compiled.stdout}`.split('\n');
  });
  after(() => resources.disposeAsync());

  for (const [index, { folder, line, by }] of violations.entries()) {
    test(`${line} in ${folder} is reported by ${by.join(' and ')}`, () => {
      const found = reports.filter((report) => report.startsWith(fileOf(index)));

      for (const source of by) {
        const pattern =
          source === 'oxlint' ? /no-restricted-imports|prefer-node-protocol/ : new RegExp(`error ${source}:`);
        assert.match(found.join('\n'), pattern);
      }
    });
  }
});

test('each folder of registry has a wall', async () => {
  const { overrides } = JSON.parse(await readFile(join(repository, '.oxlintrc.json'), 'utf8')) as {
    overrides: readonly { readonly files: readonly string[] }[];
  };
  const entries = await readdir(join(repository, 'registry'), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `registry/${name}/**`);

  assert.deepEqual(
    folders.filter((folder) => !overrides.some(({ files }) => files.includes(folder))),
    [],
  );
});
