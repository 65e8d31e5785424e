import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { makeImage } from '../../../test/support/image.ts';
import { run, succeed } from '../../../test/support/process.ts';
import { startRegistry } from '../../../test/support/registry.ts';
import { needs, searchPath } from '../../../test/support/tools.ts';
import { type Snippet, snippetClients, type SnippetInput, snippetsFor } from './snippets.ts';

const input: SnippetInput = {
  address: 'registry.lan:5443',
  engineAddress: 'host.docker.internal:5443',
  clusterAddress: '172.18.0.1:5443',
  user: 'dev',
  image: 'team/app:1',
  caFile: '/home/dev/.local/share/berth/berth/tls/ca.crt',
};
const password = 'correct horse';

const onWindows = process.platform === 'win32' ? { skip: 'needs a POSIX shell' } : {};

/** What a snippet runs, and what the programs get on standard input. */
interface Commands {
  readonly run: readonly (readonly string[])[];
  readonly stdin?: string;
}

/** By client and title, for every snippet in sh; paths of the user begin with HOME. */
function expectedCommands(values: SnippetInput): Readonly<Record<string, Commands>> {
  const { address, engineAddress, clusterAddress, user, image, caFile } = values;
  const ca = caFile ?? '';
  const ref = `${address}/${image}`;
  const engineRef = `${engineAddress}/${image}`;
  const login = ['--username', user, '--password-stdin'];
  const typed = { stdin: `${password}\n` };
  const home = `HOME/.config/containers/certs.d/${address}`;
  const nodes = `/etc/containerd/certs.d/${clusterAddress}`;
  const auth = Buffer.from(`${user}:${password}`).toString('base64');
  const inHome = [
    ['mkdir', '-p', home],
    ['cp', ca, `${home}/ca.crt`],
  ];
  const inSystem = (folder: string): Commands => ({
    run: [
      ['sudo', 'mkdir', '-p', folder],
      ['sudo', 'cp', ca, `${folder}/ca.crt`],
    ],
  });
  return {
    'docker: Trust the certificate': inSystem(`/etc/docker/certs.d/${engineAddress}`),
    'docker: Log in': { run: [['docker', 'login', ...login, engineAddress]], ...typed },
    'docker: Push and pull': {
      run: [
        ['docker', 'push', engineRef],
        ['docker', 'pull', engineRef],
      ],
    },
    'podman: Trust the certificate': { run: inHome },
    'podman: Log in': { run: [['podman', 'login', ...login, address]], ...typed },
    'podman: Push and pull': {
      run: [
        ['podman', 'push', ref],
        ['podman', 'pull', ref],
      ],
    },
    'nerdctl: Trust the certificate': inSystem(`/etc/containerd/certs.d/${address}`),
    'nerdctl: Log in': { run: [['nerdctl', 'login', ...login, address]], ...typed },
    'nerdctl: Push and pull': {
      run: [
        ['nerdctl', 'push', ref],
        ['nerdctl', 'pull', ref],
      ],
    },
    'buildx: Build and push': { run: [['docker', 'buildx', 'build', '--tag', engineRef, '--push', '.']] },
    'buildx: Make a builder in a container': {
      run: [
        'docker buildx create --use --driver docker-container --buildkitd-config buildkitd.toml'.split(' '),
      ],
    },
    'skopeo: Trust the certificate': { run: inHome },
    'skopeo: Log in': { run: [['skopeo', 'login', ...login, address]], ...typed },
    'skopeo: Copy to the registry, and from it': {
      run: [
        ['skopeo', 'copy', '--all', 'oci-archive:image.tar', `docker://${ref}`],
        ['skopeo', 'copy', '--all', `docker://${ref}`, 'oci-archive:copy.tar'],
      ],
    },
    'crane: Log in': { run: [['crane', 'auth', 'login', ...login, address]], ...typed },
    'crane: Push and pull': {
      run: [
        [`SSL_CERT_FILE=${ca}`, 'crane', 'push', 'image.tar', ref],
        [`SSL_CERT_FILE=${ca}`, 'crane', 'pull', ref, 'copy.tar'],
      ],
    },
    'oras: Log in': { run: [['oras', 'login', '--ca-file', ca, ...login, address]], ...typed },
    'oras: Push a file, and pull it': {
      run: [
        ['oras', 'push', '--ca-file', ca, ref, './file.txt'],
        ['oras', 'pull', '--ca-file', ca, ref],
      ],
    },
    'helm: Log in': { run: [['helm', 'registry', 'login', '--ca-file', ca, ...login, address]], ...typed },
    'helm: Push a chart, and install it': {
      run: [
        ['helm', 'push', '--ca-file', ca, 'app-0.1.0.tgz', `oci://${address}/charts`],
        ['helm', 'install', '--ca-file', ca, 'app', `oci://${address}/charts/app`, '--version', '0.1.0'],
      ],
    },
    'containerd: Pull': {
      run: ['sudo ctr images pull --hosts-dir /etc/containerd/certs.d --user'.split(' ').concat(user, ref)],
    },
    'kubernetes: Make the secret': {
      run: [
        'kubectl create secret generic berth --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=/dev/stdin'.split(
          ' ',
        ),
      ],
      stdin: JSON.stringify({ auths: { [clusterAddress]: { auth } } }),
    },
    'kind: Trust the certificate in the nodes': {
      run: [
        ['kind', 'get', 'nodes'],
        ['docker', 'exec', 'node-1', 'mkdir', '-p', nodes],
        ['docker', 'cp', ca, `node-1:${nodes}/ca.crt`],
      ],
    },
    'k3d: Make a cluster that trusts the certificate': {
      run: [
        'k3d cluster create --registry-config registries.yaml --volume'
          .split(' ')
          .concat(`${ca}:/etc/ssl/certs/berth-ca.crt`),
      ],
    },
    'minikube: Start with trust in the certificate': {
      run: [
        ['mkdir', '-p', 'HOME/.minikube/certs'],
        ['cp', ca, 'HOME/.minikube/certs/berth.pem'],
        ['minikube', 'start', '--embed-certs'],
      ],
    },
  };
}

const programs = 'docker podman nerdctl skopeo crane oras helm kubectl kind k3d minikube sudo mkdir cp'.split(
  ' ',
);

/** Stands in for every program: notes its arguments, each ended by NUL, and what it is given to read. */
const recorder = `#!/bin/sh
printf '%s\\0' "$#" "\${SSL_CERT_FILE-}" "\${0##*/}" "$@" >> record
case "$* " in *-stdin\\ * | */dev/stdin\\ *) cat >> stdin ;; esac
if [ "\${0##*/}" = kind ]; then echo node-1; fi
`;

suite('the shell makes of each snippet the programs and arguments that were meant', onWindows, () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  before(async () => {
    folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-snippets-'))).path;
    await mkdir(join(folder, 'bin'));
    for (const program of programs) {
      await writeFile(join(folder, 'bin', program), recorder);
      await chmod(join(folder, 'bin', program), 0o755);
    }
    await writeFile(join(folder, 'password.txt'), `${password}\n`);
  });
  after(() => resources.disposeAsync());

  const runShell = async (text: string): Promise<Commands> => {
    for (const name of ['record', 'stdin']) await rm(join(folder, name), { force: true });
    const env = { HOME: 'HOME', PATH: `${join(folder, 'bin')}:${searchPath}` };
    const { code, stderr } = await run('sh', ['-e'], { input: text, cwd: folder, env });
    assert.deepEqual([code, stderr], [0, ''], text);
    const record = (await readFile(join(folder, 'record'), 'utf8')).split('\0').slice(0, -1);
    const stdin = await readFile(join(folder, 'stdin'), 'utf8').catch(() => '');
    return { run: readRecord(record), ...(stdin === '' ? {} : { stdin }) };
  };

  test('with common values', async () => {
    const found: Record<string, Commands> = {};

    for (const { client, title, text } of shellSnippets(input))
      found[`${client}: ${title}`] = await runShell(text);

    assert.deepEqual(found, expectedCommands(input));
  });

  test('with any values, and nothing in them is run', async () => {
    await fc.assert(
      fc.asyncProperty(hostileInput, async (values) => {
        const found = await runShell(
          shellSnippets(values)
            .map(({ text }) => text)
            .join(''),
        );

        const expected = Object.values(expectedCommands(values));
        const stdin = expected.map((commands) => commands.stdin ?? '').join('');
        assert.deepEqual(
          [found.run, ...splitSecret(found.stdin)],
          [expected.flatMap((commands) => commands.run), ...splitSecret(stdin)],
        );
      }),
      { numRuns: 15, endOnFailure: true, examples: [[meaningful]] },
    );
  });

  test('the script of GitLab, with any values', async () => {
    await fc.assert(
      fc.asyncProperty(hostileInput, async (values) => {
        const { image } = parse(textOf(values, 'gitlab-ci')) as { image: { script: readonly string[] } };
        const found = await runShell(`BERTH_PASSWORD='${password}'\n${image.script.join('\n')}`);

        const ref = `${values.address}/${values.image}`;
        assert.deepEqual(found, {
          run: [
            ['docker', 'login', '--username', values.user, '--password-stdin', values.address],
            ['docker', 'build', '--tag', ref, '.'],
            ['docker', 'push', ref],
          ],
          stdin: password,
        });
      }),
      { numRuns: 10, endOnFailure: true, examples: [[meaningful]] },
    );
  });

  test('the steps of GitHub', async () => {
    const { jobs } = parse(textOf(input, 'github-actions')) as { jobs: { image: GithubJob } };
    const { env, steps } = jobs.image;
    const exports = Object.entries({ ...env, BERTH_PASSWORD: password, BERTH_CA: 'PEM' });
    const script = exports
      .map(([name, value]) => `${name}='${value}'\n`)
      .concat(steps.map((step) => `${step.run ?? ''}\n`));

    const found = await runShell(script.join(''));

    const { address, user } = input;
    const certs = `/etc/docker/certs.d/${address}`;
    assert.deepEqual(found, {
      run: [
        ['sudo', 'mkdir', '-p', certs],
        ['sudo', 'tee', `${certs}/ca.crt`],
        ['docker', 'login', '--username', user, '--password-stdin', address],
        ['docker', 'build', '--tag', `${address}/team/app:1`, '.'],
        ['docker', 'push', `${address}/team/app:1`],
      ],
      stdin: password,
    });
  });

  test('and finds no fault in their syntax', async () => {
    for (const { text } of shellSnippets(input)) await succeed('sh', ['-n'], { input: text });
  });
});

/** The typed passwords, and the value of the JSON after them, which may escape more than it must. */
function splitSecret(stdin = ''): readonly [string, unknown] {
  const start = stdin.indexOf('{');
  return [stdin.slice(0, start), JSON.parse(stdin.slice(start))];
}

interface GithubJob {
  readonly env: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly env?: Readonly<Record<string, string>>; readonly run?: string }[];
}

/** Programs with their arguments, and before them the variable if it was set. */
function readRecord(record: readonly string[]): readonly (readonly string[])[] {
  const commands: string[][] = [];
  for (let at = 0; at < record.length;) {
    const [count = '', certFile = ''] = record.slice(at, at + 2);
    const end = at + 3 + Number(count);
    commands.push([...(certFile === '' ? [] : [`SSL_CERT_FILE=${certFile}`]), ...record.slice(at + 2, end)]);
    at = end;
  }
  return commands;
}

function shellSnippets(values: SnippetInput): readonly Snippet[] {
  return snippetsFor(values).filter(({ language }) => language === 'sh');
}

/** The text of the client's snippet in YAML. */
function textOf(values: SnippetInput, client: Snippet['client']): string {
  return (
    snippetsFor(values).find((snippet) => snippet.client === client && snippet.language === 'yaml')?.text ??
    ''
  );
}

const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...`' " $ \` \\ ! # ~ ; & | < > ( ) { } [ ] * ? = % - : , @ ' '' \u2019 \u007f \u0085 \u2028 \ufeff`.split(
          ' ',
        ),
      ),
      fc.constantFrom(
        ' ',
        '\n',
        '\t',
        '$(touch run)',
        '`touch run`',
        '$HOME',
        '${{ secrets.X }}',
        '%s',
        '\\n',
        '{{.}}',
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''));
/** Words that a shell replaces when they stand alone. */
const meaningful: SnippetInput = {
  address: '*',
  engineAddress: '~',
  clusterAddress: '~root',
  user: '*',
  image: '{a,b}',
  caFile: '/*',
};
const hostileInput: fc.Arbitrary<SnippetInput> = fc.record({
  address: hostileText,
  engineAddress: hostileText,
  clusterAddress: hostileText,
  user: hostileText,
  image: hostileText,
  caFile: hostileText.map((text) => `/${text}`),
});

test('each client has snippets, in the order of the list', () => {
  const clients = [...new Set(snippetsFor(input).map(({ client }) => client))];

  assert.deepEqual(clients, snippetClients);
});

test('a certificate that is trusted anyway is mentioned nowhere', () => {
  const snippets = snippetsFor({ ...input, caFile: undefined });

  assert.deepEqual(
    [...new Set(snippets.map(({ client }) => client))],
    snippetClients.filter((client) => !['kind', 'k3d', 'minikube'].includes(client)),
  );
  for (const snippet of snippets)
    assert.doesNotMatch(JSON.stringify(snippet), /ca\.crt|CERT|ca-file|BERTH_CA|tls/);
});

test('docker needs no certificate on loopback, and only there', () => {
  const rows = [
    ['localhost:5443', false],
    ['127.0.0.1:5443', false],
    ['127.1.2.3', false],
    ['localhost.lan:5443', true],
    ['127.0.0.1.lan:5443', true],
    ['10.0.0.1:5443', true],
  ] as const;

  const found = rows.map(([engineAddress]) => {
    const snippets = snippetsFor({ ...input, engineAddress });
    return [engineAddress, snippets.some(({ client, title }) => client === 'docker' && /Trust/.test(title))];
  });

  assert.deepEqual(found, rows);
});

test('configuration in YAML and TOML holds any values as they are', () => {
  fc.assert(
    fc.property(hostileInput, (values) => {
      const { address, engineAddress, clusterAddress, user, image, caFile } = values;

      const found = {
        compose: parse(textOf(values, 'compose')),
        kubernetes: (parse(textOf(values, 'kubernetes')) as { spec: unknown }).spec,
        k3d: parse(textOf(values, 'k3d')),
        github: (parse(textOf(values, 'github-actions')) as { jobs: { image: GithubJob } }).jobs.image.env,
        toml: snippetsFor(values).flatMap(({ language, text }) =>
          language === 'toml' ? readStrings(text) : [],
        ),
      };

      for (const { language, text } of snippetsFor(values)) {
        if (language === 'yaml' || language === 'toml') assert.doesNotMatch(text, endsLineSomewhere);
      }
      const server = `https://${address}`;
      const expression = (value: string): string => value.replaceAll('${{', "${{ '${{' }}");
      assert.deepEqual(found, {
        compose: { services: { app: { image: `${engineAddress}/${image}`.replaceAll('$', () => '$$') } } },
        kubernetes: {
          imagePullSecrets: [{ name: 'berth' }],
          containers: [{ name: 'app', image: `${clusterAddress}/${image}` }],
        },
        k3d: { configs: { [clusterAddress]: { tls: { ca_file: '/etc/ssl/certs/berth-ca.crt' } } } },
        github: {
          BERTH_ADDRESS: expression(address),
          BERTH_USER: expression(user),
          BERTH_IMAGE: expression(`${address}/${image}`),
        },
        toml: [engineAddress, caFile, server, server, 'pull', 'resolve', 'push', caFile],
      });
    }),
  );
});

/** What TOML forbids, and what YAML 1.1 takes for the end of a line, or for a mark. */
const endsLineSomewhere = /[\u007f-\u009f\u2028\u2029\ufeff]/;

/** The basic strings of TOML; what it allows in them is what JSON allows. */
function readStrings(toml: string): readonly unknown[] {
  return (toml.match(/"(?:[^"\\\n]|\\.)*"/g) ?? []).map((text): unknown => JSON.parse(text));
}

test('secrets of CI come from its variables', () => {
  const { jobs } = parse(textOf(input, 'github-actions')) as { jobs: { image: GithubJob } };

  const env = jobs.image.steps.flatMap((step) => (step.env === undefined ? [] : [step.env]));

  assert.deepEqual(env, [
    { BERTH_CA: '${{ vars.BERTH_CA }}' },
    { BERTH_PASSWORD: '${{ secrets.BERTH_PASSWORD }}' },
  ]);
});

test('PowerShell gets literals, in which all its single quotes are doubled', () => {
  const snippets = snippetsFor({ ...input, user: "o'neil \u2018$x\u2019" });

  assert.deepEqual(
    snippets.filter(({ language }) => language === 'powershell').map(({ text }) => text),
    [
      "Get-Content password.txt | docker login --username 'o''neil \u2018\u2018$x\u2019\u2019' --password-stdin 'host.docker.internal:5443'\n",
    ],
  );
});

suite('clients that are here do what the snippets say', needs('podman', 'skopeo', 'busybox'), () => {
  test('trust, log in, copy to the registry and from it', async () => {
    await using registry = await startRegistry({
      auth: 'htpasswd',
      users: { dev: { role: 'push', password } },
    });
    await using temporary = await mkdtempDisposable(join(tmpdir(), 'berth-snippets-'));
    const home = temporary.path;
    const env = { HOME: home, XDG_RUNTIME_DIR: home, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
    const shell = async (text: string): Promise<string> =>
      await succeed('sh', ['-e'], { input: text, cwd: home, env });
    const caFile = join(home, "the authority's certificate.crt");
    await copyFile(registry.caFile, caFile);
    await writeFile(join(home, 'password.txt'), `${password}\n`);
    await makeImage({ out: join(home, 'layout'), ref: 'app:1' });
    await shell('skopeo copy oci:layout:1 oci-archive:image.tar');

    const { address } = registry;
    const snippets = shellSnippets({ ...input, address, caFile });
    const printed: string[] = [];
    for (const { client, title, text } of snippets) {
      if (client === 'skopeo' || (client === 'podman' && title !== 'Push and pull'))
        printed.push(await shell(text));
    }

    assert.equal(printed.join('').match(/Login Succeeded!/g)?.length, 2, printed.join(''));
    await shell('skopeo inspect oci-archive:copy.tar');
    await writeFile(
      join(home, 'auth.json'),
      JSON.stringify({ auths: { [address]: { auth: Buffer.from(`dev:${password}`).toString('base64') } } }),
    );
    await shell(`skopeo inspect --authfile auth.json docker://${address}/team/app:1`);
  });
});
