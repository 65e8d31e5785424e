import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { judge, type Proved } from './prove-engine.ts';

const has: Proved = { state: 'yes', said: 'as dev, by the helper of Berth' };
const none: Proved = { state: 'no', said: 'It has no login for localhost:5443.' };

const rows = [
  {
    name: 'a certificate that is not known',
    said: 'Get "https://localhost:5443/v2/": x509: certificate signed by unknown authority',
    loggedIn: has,
    states: 'yes yes no unknown',
  },
  {
    name: 'the same without a login',
    said: 'Get "https://localhost:5443/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    loggedIn: none,
    states: 'yes yes no no',
  },
  {
    name: 'a login that is refused',
    said: 'Get "https://localhost:5443/v2/": unauthorized: authentication required',
    loggedIn: has,
    states: 'yes yes yes no',
  },
  {
    name: 'nobody at the address',
    said: 'Get "https://localhost:5443/v2/": dial tcp 127.0.0.1:5443: connect: connection refused',
    loggedIn: has,
    states: 'yes no unknown unknown',
  },
  {
    name: 'a name that is not known',
    said: 'Get "https://host.docker.internal:5443/v2/": dial tcp: lookup host.docker.internal: no such host',
    loggedIn: none,
    states: 'no unknown unknown no',
  },
];

suite('what an engine says of the registry', () => {
  for (const { name, said, loggedIn, states } of rows) {
    test(name, () => {
      const { resolved, reached, trusted, loggedIn: login } = judge(said, loggedIn);

      const ticks = [resolved, reached, trusted, login];
      assert.equal(ticks.map(({ state }) => state).join(' '), states);
      const failed = ticks.find(({ state }) => state === 'no');
      assert.ok((failed?.said ?? '') !== '');
    });
  }
});
