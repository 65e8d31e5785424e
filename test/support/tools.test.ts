import assert from 'node:assert/strict';
import test from 'node:test';
import { run } from './process.ts';

const ask = `
  import { needs } from ${JSON.stringify(import.meta.resolve('./tools.ts'))};
  process.stdout.write(JSON.stringify(needs('skopeo', 'go')));`;

const cases = [
  { name: 'skips, naming package or source', env: {}, code: 0 },
  { name: 'is an error with CI=true', env: { CI: 'true' }, code: 1 },
];
for (const { name, env, code } of cases) {
  test(`a test whose program is missing ${name}`, async () => {
    const reason = 'needs skopeo (Debian package skopeo), go (Go 1.24 or newer, from https://go.dev/dl)';

    const result = await run(process.execPath, ['--input-type=module', '-e', ask], {
      env: { ...env, PATH: '' },
    });

    assert.equal(result.code, code);
    assert.ok((result.stdout + result.stderr).includes(reason), result.stdout + result.stderr);
  });
}
