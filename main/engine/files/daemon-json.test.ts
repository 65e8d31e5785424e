import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isAppError } from '../../../registry/spec/errors.ts';
import {
  checkDaemonJson,
  checkInsecureRegistry,
  checkMirror,
  conflictingFlags,
  hasLiveRestore,
  planDaemonEdit,
  undoDaemonEdit,
} from './daemon-json.ts';
import { readJsonObject } from './json-edit.ts';

const path = '/etc/docker/daemon.json';
const insecure = 'insecure-registries';

suite('an insecure registry', () => {
  const label63 = 'a'.repeat(63);
  const host253 = `${label63}.${label63}.${label63}.${'a'.repeat(61)}`;
  const invalid = {
    '': 'is empty',
    'a b': 'holds a space, a control character or a letter outside of ASCII',
    'a\n': 'holds a space, a control character or a letter outside of ASCII',
    'é.example': 'holds a space, a control character or a letter outside of ASCII',
    'http://a:5000': 'has a scheme',
    'ftp://a': 'has a scheme',
    '*.example.com': 'has a wildcard',
    'a/b': 'is no network, and has a path',
    'a:5000/': 'is no network, and has a path',
    '10.0.0.0/33': 'is no network, and has a path',
    '10.0.0.0/08': 'is no network, and has a path',
    '10.0.0/8': 'is no network, and has a path',
    'fd00::/129': 'is no network, and has a path',
    'fe80::%1/64': 'is no network, and has a path',
    '[fd00::]/64': 'is no network, and has a path',
    '10.0.0.0/8/': 'is no network, and has a path',
    '[::1]': 'has an IPv6 address without a port',
    '::1': 'is no host with a port; an IPv6 address stands in brackets',
    '[::1]x:1': 'is no host with a port; an IPv6 address stands in brackets',
    '[a]:1': 'has no IPv6 address in its brackets',
    '[10.0.0.1]:1': 'has no IPv6 address in its brackets',
    '[fe80::1%eth0]:1': 'has no IPv6 address in its brackets',
    'a:': 'has a port that is not from 1 to 65535',
    'a:0': 'has a port that is not from 1 to 65535',
    'a:05000': 'has a port that is not from 1 to 65535',
    'a:65536': 'has a port that is not from 1 to 65535',
    'a:http': 'has a port that is not from 1 to 65535',
    '[::1]:65536': 'has a port that is not from 1 to 65535',
    ':5000': 'has no valid host name',
    '-a:1': 'has no valid host name',
    'a-:1': 'has no valid host name',
    'a.-b.c': 'has no valid host name',
    'a..b': 'has no valid host name',
    'a.': 'has no valid host name',
    a_b: 'has no valid host name',
    '10.0.0.256': 'has no valid host name',
    'user@a': 'has no valid host name',
    [`${label63}a`]: 'has no valid host name',
    [`${host253}a`]: 'has no valid host name',
    [`${host253}:65535a`]: 'is longer than 259 characters',
  };
  for (const [text, reason] of Object.entries(invalid)) {
    test(`${JSON.stringify(text).slice(0, 40)} ${reason}`, () => {
      assert.equal(checkInsecureRegistry(text), reason);
    });
  }

  const valid = [
    'a',
    'A.example',
    'registry.example:5000',
    'a-b.c--d:1',
    '1a.example',
    '127.0.0.1:65535',
    '[fd00::1]:5000',
  ];
  const networks = ['10.0.0.0/8', '10.1.2.3/32', '0.0.0.0/0', 'fd00::/8', '::ffff:10.0.0.0/128'];
  for (const text of [...valid, ...networks, host253, `${host253}:65535`]) {
    test(`${text.slice(0, 40)} is one`, () => {
      assert.equal(checkInsecureRegistry(text), undefined);
    });
  }
});

suite('a mirror', () => {
  const old = 'has a path, which docker before version 25 refuses';
  const cases: readonly (readonly [text: string, version: string | undefined, reason: string | undefined])[] =
    [
      ['http://127.0.0.1:5003', '20.10.24+dfsg1', undefined],
      ['http://127.0.0.1:5003/', '20.10.24+dfsg1', undefined],
      ['HTTPS://mirror.example', undefined, undefined],
      ['https://[fd00::1]', undefined, undefined],
      ['https://a/b', '20.10.24', old],
      ['https://a/b', '23.0.6', old],
      ['https://a/b', '24.0.7', old],
      ['https://a/b', undefined, old],
      ['https://a/b', 'dev', old],
      ['https://a/b', '25.0.0', undefined],
      ['https://a/b%20c/@x:y/', '28.5.1', undefined],
      ['https://a/b%2', '28.5.1', 'has a path that is not valid'],
      ['https://a/"', '28.5.1', 'has a path that is not valid'],
      ['https://a/?', '28.5.1', 'has a query or a fragment'],
      ['https://a?b=c', '28.5.1', 'has a query or a fragment'],
      ['https://a/b#c', '28.5.1', 'has a query or a fragment'],
      ['https://user:secret@a', '28.5.1', 'has a user name'],
      ['https://@a', '28.5.1', 'has a user name'],
      ['https://', '28.5.1', 'has no valid host name'],
      ['https:///a', '28.5.1', 'has no valid host name'],
      ['https://a:0', '28.5.1', 'has a port that is not from 1 to 65535'],
      ['https://-a', '28.5.1', 'has no valid host name'],
      ['https://[a]', '28.5.1', 'has no IPv6 address in its brackets'],
      ['a:5003', '28.5.1', 'is no http or https URL'],
      ['', '28.5.1', 'is no http or https URL'],
      ['ftp://a', '28.5.1', 'is no http or https URL'],
      ['https:a', '28.5.1', 'is no http or https URL'],
      ['https://a b', '28.5.1', 'holds a space, a control character or a letter outside of ASCII'],
      [`https://${'a.'.repeat(130)}a`, '28.5.1', 'has a host longer than 259 characters'],
      [`https://a/${'b'.repeat(2048)}`, '28.5.1', 'is longer than 2048 characters'],
    ];
  for (const [text, serverVersion, reason] of cases) {
    test(`${JSON.stringify(text).slice(0, 40)} for docker ${String(serverVersion)} ${reason ?? 'is one'}`, () => {
      assert.equal(checkMirror(text, { serverVersion }), reason);
    });
  }
});

suite('adding an entry', () => {
  const cases: readonly (readonly [
    name: string,
    before: string | undefined,
    after: string,
    keyWasAbsent: boolean,
  ])[] = [
    ['an absent file', undefined, `{\n  "${insecure}": [\n    "a:1"\n  ]\n}\n`, true],
    ['an empty file', '', `{\n  "${insecure}": [\n    "a:1"\n  ]\n}\n`, true],
    ['a file without the key', '{"debug":true}', `{"debug":true,"${insecure}":["a:1"]}`, true],
    ['a file with the key', `{"${insecure}":["10.0.0.0/8"]}`, `{"${insecure}":["10.0.0.0/8","a:1"]}`, false],
    ['a file with the entry', `{"${insecure}":["a:1"]}`, `{"${insecure}":["a:1"]}`, false],
  ];
  for (const [name, before, after, keyWasAbsent] of cases) {
    test(`to ${name}`, () => {
      const bytes = before === undefined ? undefined : Buffer.from(before);

      const plan = planDaemonEdit(bytes, path, { key: insecure, entry: 'a:1' });

      assert.deepEqual({ ...plan, after: written(plan.after) }, { after, keyWasAbsent });
    });
  }

  test('a mirror with a path is for engines that take it', () => {
    const edit = { key: 'registry-mirrors', entry: 'https://a/b' };

    const plan = planDaemonEdit(undefined, path, { ...edit, serverVersion: '28.5.1' });

    assert.match(written(plan.after), /"https:\/\/a\/b"/);
    assert.throws(
      () => planDaemonEdit(undefined, path, edit),
      /has a path, which docker before version 25 refuses/,
    );
  });

  const mirrors = 'registry-mirrors';
  const refusals: readonly (readonly [
    name: string,
    before: string,
    key: string,
    entry: string,
    message: string,
  ])[] = [
    [
      'with the key as a string',
      `{"${insecure}":"a"}`,
      insecure,
      'a:1',
      `${path}:1:24 holds something else in "${insecure}" than a list of strings.`,
    ],
    [
      'with an entry that engines refuse',
      `{"${insecure}":["b",\n"a b"]}`,
      insecure,
      'a:1',
      `${path}:2:1 holds an entry in "${insecure}" that engines refuse or read differently: it holds a space, a control character or a letter outside of ASCII.`,
    ],
    [
      'with a mirror that has a password',
      `{"${mirrors}":["https://u:secret@a"]}`,
      mirrors,
      'https://b',
      `${path}:1:22 holds an entry in "${mirrors}" that engines refuse or read differently: it has a user name.`,
    ],
    ['with a comment', '{} // mine', insecure, 'a:1', `${path}:1:4 holds a comment.`],
    [
      'for an entry that is none',
      '{}',
      insecure,
      'http://a',
      `The entry for "${insecure}" in ${path} has a scheme.`,
    ],
    [
      'for a mirror with a password',
      '{}',
      mirrors,
      'https://u:secret@a',
      `The entry for "${mirrors}" in ${path} has a user name.`,
    ],
    [
      'for the key hosts',
      '{"hosts":[]}',
      'hosts',
      'a',
      `${path} is edited in its lists of registries only, not in "hosts".`,
    ],
    [
      'for a key of Object',
      '{}',
      'toString',
      'a',
      `${path} is edited in its lists of registries only, not in "toString".`,
    ],
  ];
  for (const [name, before, key, entry, message] of refusals) {
    test(`is refused ${name}`, () => {
      assert.throws(
        () => planDaemonEdit(Buffer.from(before), path, { key, entry }),
        (error) => isAppError(error, 'CHANGE_REFUSED') && error.message === message,
      );
    });
  }
});

suite('taking out an entry', () => {
  const cases: readonly (readonly [
    name: string,
    before: string,
    keyWasAbsent: boolean,
    steps: readonly string[],
  ])[] = [
    ['of several', `{"${insecure}": ["b", "a:1"]}`, true, [`{"${insecure}": ["b"]}`]],
    ['the last one, of a list that was there', `{"${insecure}": ["a:1"]}`, false, [`{"${insecure}": []}`]],
    [
      'the last one, of a list of ours',
      `{\n  "debug": true,\n  "${insecure}": [\n    "a:1"\n  ]\n}\n`,
      true,
      [`{\n  "debug": true,\n  "${insecure}": []\n}\n`, '{\n  "debug": true\n}\n'],
    ],
    ['that is gone', `{"${insecure}": ["b"]}`, true, []],
    ['of a list that is gone', '{"debug": true}', true, []],
    ['of a file that is empty', '', true, []],
  ];
  for (const [name, before, keyWasAbsent, steps] of cases) {
    test(name, () => {
      const undo = undoDaemonEdit(Buffer.from(before), path, { key: insecure, entry: 'a:1', keyWasAbsent });

      assert.deepEqual(undo.steps.map(written), steps);
    });
  }

  test('an entry that fails its check can be taken out', () => {
    const edit = { key: insecure, entry: 'a b', keyWasAbsent: false };

    const { steps } = undoDaemonEdit(Buffer.from(`{"${insecure}":["a b","c d"]}`), path, edit);

    assert.deepEqual(steps.map(written), [`{"${insecure}":["c d"]}`]);
  });

  test('of another key is refused', () => {
    const edit = { key: 'hosts', entry: 'fd://', keyWasAbsent: false };

    assert.throws(
      () => undoDaemonEdit(Buffer.from('{"hosts":["fd://"]}'), path, edit),
      (error) => isAppError(error, 'CHANGE_REFUSED'),
    );
  });
});

test('a file with which dockerd would not start is told from one with which it would', () => {
  const cases: readonly (readonly [content: string, flag: string, message: RegExp | undefined])[] = [
    [`{"${insecure}":["a:1"],"registry-mirrors":["https://a/b"]}`, '--debug', undefined],
    ['', '--insecure-registry=a', undefined],
    ['{}', '--insecure-registry=a', undefined],
    [
      `{"${insecure}":[]}`,
      '--insecure-registry=a',
      /holds "insecure-registries", and dockerd was started with --ins/,
    ],
    [`{"${insecure}":["a b"]}`, '--debug', /json:1:25 holds an entry in "insecure-registries"/],
    ['{"registry-mirrors":["a"]}', '--debug', /json:1:22 holds an entry in "registry-mirrors"/],
    ['{"debug":true,}', '--debug', /json:1:15 holds a trailing comma/],
  ];
  for (const [content, flag, message] of cases) {
    const options = { serverVersion: '28.5.1', commandLine: ['dockerd', flag] };
    const check = (): void => checkDaemonJson(Buffer.from(content), path, options);
    if (message === undefined) check();
    else
      assert.throws(
        check,
        (error) => isAppError(error, 'CHANGE_REFUSED') && message.test(error.message),
        content,
      );
  }
});

test('flags of dockerd that say the same as the file are seen', () => {
  const cases: readonly (readonly [words: string, key: string, isConflict: boolean])[] = [
    ['/usr/sbin/dockerd -H fd://', insecure, false],
    ['dockerd --insecure-registry=a:1', insecure, true],
    ['dockerd --insecure-registry a:1', insecure, true],
    ['dockerd --insecure-registry a:1', 'registry-mirrors', false],
    ['dockerd --debug --registry-mirror=https://a', 'registry-mirrors', true],
    ['dockerd --insecure-registry-other=a', insecure, false],
    ['dockerd --label=--insecure-registry', insecure, false],
    ['dockerd undefined', 'toString', false],
  ];
  for (const [words, key, isConflict] of cases) {
    assert.equal(conflictingFlags(words.split(' '), key), isConflict, words);
  }
});

test('live restore is on only when the file says true', () => {
  const cases = { '{"live-restore": true}': true, '{"live-restore": "true"}': false, '{}': false, '': false };
  for (const [content, isOn] of Object.entries(cases)) {
    assert.equal(hasLiveRestore(readJsonObject(Buffer.from(content), path)), isOn, content);
  }
});

function written(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
