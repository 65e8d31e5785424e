/** Who answers where the registry was, or with a certificate for names that are not ours: clients that verify refuse it. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type Authority, makeAuthority, openAuthority } from '../../registry/tls/authority.ts';
import { openPrivateDirectory } from '../../registry/tls/files.ts';
import { issueLeaf, type LeafNames, type Material } from '../../registry/tls/leaf.ts';
import { request } from '../support/http.ts';
import { run } from '../support/process.ts';
import { needs } from '../support/tools.ts';
import { makeWorkspace, users } from './workspace.ts';

const now = Date.now();

suite('a false server', needs('skopeo', 'podman', 'curl', 'busybox', 'openssl'), () => {
  test('on the port of the registry is refused by clients that verify, and sees no login', async (t) => {
    await using space = await makeWorkspace();
    const { registry, certDir, authFile } = space;
    const { address, port, caFile, ca } = registry;
    const trust = ['--authfile', authFile, '--cert-dir', certDir];
    const login = ['-u', 'dev', '--password-stdin', address];
    const input = { input: users.dev.password };
    const dev = `dev:${users.dev.password}`;
    await space.succeed('skopeo', ['login', ...trust, ...login], input);
    const kept = join(space.home, 'kept.crt');
    await writeFile(kept, ca ?? '');
    assert.equal((await request(registry.url, { path: '/v2/', ca, user: dev })).status, 200, caFile);
    await registry.stop();
    const { issue } = await makeScope(join(space.home, 'other'));
    await using server = await startServer(issue({ names: ['localhost'], addresses: ['127.0.0.1'] }), port);

    const refusals = await Promise.all([
      space.run('skopeo', ['inspect', ...trust, `docker://${address}/team/app:1`]),
      space.run('skopeo', ['login', ...trust, ...login], input),
      space.run('podman', ['login', ...trust, ...login], input),
      run('curl', ['-sS', '--cacert', kept, '-u', dev, `https://${address}/v2/`]),
      request(`https://${address}`, { path: '/v2/', ca, user: dev }).then(
        ({ status }) => ({ code: 0, stderr: String(status) }),
        (error: unknown) => ({ code: 1, stderr: String(error) }),
      ),
    ]);

    for (const { code, stderr } of refusals) {
      assert.notEqual(code, 0, stderr);
      assert.match(stderr, /certificate/);
    }
    assert.deepEqual(server.requests, []);
    t.diagnostic(
      `skopeo, podman, curl and Node asked a false server ${refusals.length} times: ${server.requests.length} requests and logins came there`,
    );

    await t.test('which gets them from one that does not verify', async () => {
      await space.run('skopeo', [
        'inspect',
        '--authfile',
        authFile,
        '--tls-verify=false',
        `docker://${address}/team/app:1`,
      ]);

      assert.ok(server.requests.includes(`Basic ${Buffer.from(dev).toString('base64')}`));
    });
  });

  test('with a certificate of our authority for other names is refused by curl and by Go', async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-scope-'));
    const home = directory.path;
    const { authority, issue } = await makeScope(join(home, 'tls'));
    const certDir = join(home, 'certs');
    const ca = join(certDir, 'ca.crt');
    await mkdir(certDir);
    await writeFile(ca, authority.pem);
    const ask = async (names: LeafNames) => {
      await using server = await startServer(issue(names), 0);
      const url = `https://${names.names[0]}:${server.port}/v2/`;
      const curl = await run('curl', [
        '-sS',
        '--cacert',
        ca,
        '--connect-to',
        `::127.0.0.1:${server.port}`,
        url,
      ]);
      // skopeo is a program of Go; it finds localhost alone.
      const image = `docker://localhost:${server.port}/team/app:1`;
      const skopeo = await run('skopeo', ['inspect', '--no-creds', '--cert-dir', certDir, image], {
        env: { HOME: home, XDG_RUNTIME_DIR: home },
      });
      return { curl, skopeo, requests: server.requests.length };
    };

    const good = await ask({ names: ['localhost'], addresses: ['127.0.0.1'] });
    const foreign = await Promise.all(
      [
        { names: ['hub.docker.com', 'localhost'], addresses: [] },
        { names: ['localhost', 'hub.docker.com'], addresses: [] },
        { names: ['localhost'], addresses: ['8.8.8.8'] },
        { names: ['localhost'], addresses: ['2001:db8::1'] },
        { names: ['localhost'], addresses: ['172.32.0.1'] },
      ].map(ask),
    );

    assert.equal(good.curl.code, 0, good.curl.stderr);
    assert.ok(good.requests >= 2, good.skopeo.stderr);
    for (const { curl, skopeo, requests } of foreign) {
      assert.equal(curl.code, 60, curl.stderr);
      assert.match(curl.stderr, /permitted subtree violation/);
      assert.match(skopeo.stderr, /x509: .*(?:not permitted|constraint)/);
      assert.equal(requests, 0);
    }
    t.diagnostic(`${foreign.length} leaves beyond the scope: 0 admitted by curl, 0 by Go (skopeo)`);
  });
});

/** An authority as a first start makes it, for private names only. */
async function makeScope(
  dir: string,
): Promise<{ readonly authority: Authority; readonly issue: (names: LeafNames) => Material }> {
  await openPrivateDirectory(dir);
  const of = { hostname: 'dock', names: [], now };
  const made = makeAuthority(of);
  await writeFile(join(dir, 'ca.crt'), made.certificate, { mode: 0o600 });
  await writeFile(join(dir, 'ca.key'), made.key, { mode: 0o600 });
  const authority = await openAuthority(dir, of);
  const authorityKey = createPrivateKey(made.key);
  return { authority, issue: (names) => issueLeaf({ authority, authorityKey, names, now }) };
}

/** Asks for a login, and keeps what it is given: a line for each request. */
async function startServer(leaf: Material, port: number) {
  const requests: string[] = [];
  const server = createServer(leaf, (req, res) => {
    requests.push(req.headers.authorization ?? '');
    res.writeHead(401, { 'www-authenticate': 'Basic realm="false"' }).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    requests: requests as readonly string[],
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
