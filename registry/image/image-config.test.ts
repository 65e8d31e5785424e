import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanCommand, describeHistory, rebuildDockerfile } from './dockerfile.ts';
import { isSecretName, parseImageConfig } from './image-config.ts';

test('a config is told, the labels of OCI first, durations in milliseconds', () => {
  const parsed = parseImageConfig(
    JSON.stringify({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      created: '2026-01-02T03:04:05Z',
      config: {
        User: '1000',
        WorkingDir: '/srv',
        StopSignal: 'SIGINT',
        Entrypoint: ['/bin/app'],
        Cmd: ['--port', '80'],
        Env: ['PATH=/bin', 'DB_PASSWORD=a=b', 'EMPTY'],
        ExposedPorts: { '80/tcp': {} },
        Volumes: { '/data': {} },
        Labels: { b: '2', 'org.opencontainers.image.title': 'app', a: '1' },
        Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000, Timeout: 0, Retries: 3 },
      },
    }),
  );

  assert.deepEqual(parsed?.config, {
    os: 'linux',
    architecture: 'arm',
    variant: 'v7',
    created: '2026-01-02T03:04:05Z',
    user: '1000',
    workingDir: '/srv',
    stopSignal: 'SIGINT',
    entrypoint: ['/bin/app'],
    cmd: ['--port', '80'],
    env: [
      { name: 'PATH', value: '/bin', isSecretLooking: false },
      { name: 'DB_PASSWORD', value: 'a=b', isSecretLooking: true },
      { name: 'EMPTY', value: '', isSecretLooking: false },
    ],
    ports: ['80/tcp'],
    volumes: ['/data'],
    labels: [
      { name: 'org.opencontainers.image.title', value: 'app' },
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ],
    healthcheck: { test: ['CMD', 'true'], intervalMs: 30_000, retries: 3 },
  });
});

test('what is missing, null or of another type is left out, and the rest is told', () => {
  const empty = { entrypoint: [], cmd: [], env: [], ports: [], volumes: [], labels: [] };
  const cases: readonly (readonly [said: unknown, config: object])[] = [
    [{}, empty],
    [{ config: null, history: null, os: null }, empty],
    [{ config: [], history: {}, os: {} }, empty],
    [
      { os: 7, config: { User: 1000, Env: null, Labels: { a: 1, b: null } } },
      {
        ...empty,
        os: '7',
        user: '1000',
        labels: [
          { name: 'a', value: '1' },
          { name: 'b', value: '' },
        ],
      },
    ],
    [
      {
        config: {
          Entrypoint: '/bin/sh',
          Cmd: [1, null],
          ExposedPorts: ['80'],
          Healthcheck: { Test: 'CMD', Interval: '5000000' },
        },
      },
      {
        ...empty,
        entrypoint: ['/bin/sh'],
        cmd: ['1', ''],
        ports: ['80'],
        healthcheck: { test: ['CMD'], intervalMs: 5 },
      },
    ],
  ];

  for (const [said, config] of cases) {
    assert.deepEqual(parseImageConfig(JSON.stringify(said))?.config, config, JSON.stringify(said));
  }
  for (const text of ['', 'no JSON', '[]', 'null', '"text"', '7']) {
    assert.equal(parseImageConfig(text), undefined, text);
  }
});

test('any JSON is told or refused', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 4 }), (a, b, c) => {
      parseImageConfig(a);
      const parsed = parseImageConfig(`{"config":${a},"history":[${b},${c}],"os":${b}}`);
      assert.equal(parsed?.history.length, 2);
    }),
  );
});

test('names like those of passwords and keys are told from others', () => {
  for (const name of [
    'PASS',
    'DB_PASSWORD',
    'PASSWD',
    'dbPassword',
    'MYSQL_PWD',
    'NPM_TOKEN',
    'API_KEY',
    'apiKey',
    'AWS_SECRET_ACCESS_KEY',
    'KEY',
    'SSH_KEY_2',
  ]) {
    assert.equal(isSecretName(name), true, name);
  }
  for (const name of ['PATH', 'KEYBOARD', 'COMPASSION', 'BYPASSED', 'HOME', 'KEYMAP', 'LANG']) {
    assert.equal(isSecretName(name), false, name);
  }
});

test('steps of every builder become instructions', () => {
  const cases: readonly (readonly [createdBy: string, command: string])[] = [
    ['/bin/sh -c #(nop)  CMD ["/bin/sh"]', 'CMD ["/bin/sh"]'],
    ['/bin/sh -c #(nop) ADD file:37a7 in / ', 'ADD file:37a7 /'],
    ['/bin/sh -c #(nop) COPY dir:1f in /srv ', 'COPY dir:1f /srv'],
    ['/bin/sh -c #(nop)  ENV A=b c', 'ENV A=b c'],
    ['/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "a \\"b\\" c"]', 'CMD ["/bin/sh", "-c", "a \\"b\\" c"]'],
    ['/bin/sh -c apk add --no-cache x', 'RUN apk add --no-cache x'],
    ['|1 VERSION=1.2 3 /bin/sh -c make', 'RUN make'],
    ['RUN /bin/sh -c apk add x # buildkit', 'RUN apk add x'],
    ['RUN |2 A=1 B=2 /bin/sh -c make all # buildkit', 'RUN make all'],
    ['/bin/bash -euo pipefail -c a | b', 'RUN a | b'],
    ['/bin/busybox sh -c rm /a', 'RUN rm /a'],
    ['|1 A=/bin/x /usr/bin/bash -ec make', 'RUN make'],
    ['RUN /bin/bash -o pipefail -c a | b # buildkit', 'RUN a | b'],
    ['RUN /usr/bin/tool -c config', 'RUN /usr/bin/tool -c config'],
    ['cmd /S /C dir', 'RUN cmd /S /C dir'],
    ['RUN apk add x', 'RUN apk add x'],
    ['COPY . /srv # buildkit', 'COPY . /srv'],
    ['ENTRYPOINT ["/app" "--x y"]', 'ENTRYPOINT ["/app", "--x y"]'],
    ['EXPOSE map[443/tcp:{} 80/tcp:{}]', 'EXPOSE 443/tcp 80/tcp'],
    ['WORKDIR /srv', 'WORKDIR /srv'],
    ['CMD', 'CMD'],
    ['bazel build //app', '# bazel build //app'],
    ['jib\nplugin', '# jib plugin'],
    ['/bin/sh -c #(nop) EVIL x', '# EVIL x'],
    ['', '# a step that says nothing'],
  ];

  for (const [createdBy, command] of cases) assert.equal(cleanCommand(createdBy), command);
});

test('layers are counted by the steps that are not empty, if there are as many', () => {
  const step = (createdBy: string, isEmpty: boolean) => ({
    created: undefined,
    createdBy,
    author: undefined,
    comment: undefined,
    isEmpty,
  });
  const history = [step('ADD a /', false), step('CMD ["a"]', true), step('RUN b', false)];

  const fitting = describeHistory(history, 2);

  assert.deepEqual(
    fitting.map(({ layer }) => layer),
    [0, undefined, 1],
  );
  assert.deepEqual(
    describeHistory(history, 3).map(({ layer }) => layer),
    [undefined, undefined, undefined],
  );
  assert.match(rebuildDockerfile(fitting), /^# Rebuilt.*\nFROM scratch\nADD a \/\nCMD \["a"\]\nRUN b\n$/);
  assert.equal(rebuildDockerfile([]), '');
});
