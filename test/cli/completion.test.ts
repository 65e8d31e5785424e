/** What the shells offer when Tab is pressed, asked of the shells themselves. */
import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cli } from '../support/cli.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

/** A program for each shell that prints what it offers for the line in `$LINE`. */
const shells = {
  bash: `source <(berth completion bash)
COMP_LINE="$LINE" COMP_POINT=\${#LINE} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_berth
printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() { : }; _files() { : }
compadd() { shift; print -l -- "$@" }
source <(berth completion zsh)
words=("\${(@s: :)LINE}"); CURRENT=\${#words}
_berth`,
  fish: `berth completion fish | source
complete -C "$LINE"`,
} as const;

suite('completion', () => {
  const resources = new AsyncDisposableStack();
  let env: Record<string, string> = {};
  before(async () => {
    const registry = resources.use(await startRegistry());
    const bin = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-completion-')));
    await writeFile(join(bin.path, 'berth'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
    await chmod(join(bin.path, 'berth'), 0o755);
    env = {
      HOME: bin.path,
      PATH: `${bin.path}:/usr/bin:/bin`,
      BERTH_DATA: registry.dataDir,
    };
    for (const reference of ['team/api:1.4', 'team/api:1.5', 'team/web:latest']) {
      await push(registry.plainUrl, reference);
    }
  });
  after(() => resources.disposeAsync());

  const lines = [
    ['berth trash ', ['empty', 'help', 'ls']],
    ['berth tags --sort p', ['pulled', 'pulls', 'pushed']],
    ['berth tags --sort name team/', ['team/api', 'team/web']],
    ['berth open d', ['doctor']],
    ['berth open te', ['team/api', 'team/web']],
    ['berth open team/web:', ['team/web:latest']],
    ['berth rm team/web:latest team/api:1', ['team/api:1.4', 'team/api:1.5']],
  ] as const;

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    for (const [line, expected] of lines) {
      test(`${shell}: ${line}`, needs(shell), async () => {
        const output = await succeed(shell, ['-c', shells[shell]], { env: { ...env, LINE: line } });

        // fish adds a description behind a tab; bash completes what stands behind the colon.
        const offered = output.split('\n').flatMap((each) => each.split('\t')[0]?.trim() || []);
        const wanted = shell === 'bash' ? expected.map((each) => each.replace(/^.*:/, '')) : expected;
        assert.deepEqual(offered, wanted);
      });
    }
  }

  test('no registry, no repositories, and no error', async () => {
    const output = await succeed(process.execPath, [cli, '__complete', 'tags', 'te'], {
      env: { BERTH_DATA: join(env['HOME'] ?? '', 'none') },
    });

    assert.equal(output, '');
  });
});

/** Pushes an index without children: the smallest thing that can have a tag. */
async function push(url: string, reference: string): Promise<void> {
  const [repository, tag] = reference.split(':');
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const { status } = await request(url, {
    method: 'PUT',
    path: `/v2/${repository}/manifests/${tag}`,
    headers: { 'content-type': mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { tag } }),
  });
  assert.equal(status, 201);
}
