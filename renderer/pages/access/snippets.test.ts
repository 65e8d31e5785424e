import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { tokenSnippets } from './snippets.ts';

const address = 'localhost:5443';
const secret = 'berth_s3cret';

function textsOf(user: string): Readonly<Record<string, string>> {
  return Object.fromEntries(tokenSnippets({ user, secret, address }).map(({ id, text }) => [id, text]));
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString();

test('files hold the login as clients read it, whatever the name of the user', () => {
  for (const user of ['ci', 'Zoë "x" <b>', "it's", '${{ secrets.X }}', '{{ x }}: #']) {
    const { config = '', kubernetes = '', github = '', gitlab = '' } = textsOf(user);

    const auth = `${user}:${secret}`;
    const file = JSON.parse(config) as { readonly auths: Record<string, { readonly auth: string }> };
    assert.equal(decode(file.auths[address]?.auth ?? ''), auth);
    const object = parse(kubernetes) as { readonly type: string; readonly data: Record<string, string> };
    const login = JSON.parse(decode(object.data['.dockerconfigjson'] ?? '')) as typeof file;
    assert.deepEqual(
      [object.type, login.auths[address]],
      [
        'kubernetes.io/dockerconfigjson',
        { username: user, password: secret, auth: Buffer.from(auth).toString('base64') },
      ],
    );
    const [step] = parse(github) as readonly { readonly env: { readonly BERTH_USER: string } }[];
    // What GitHub makes of an expression that is a text.
    assert.equal(step?.env.BERTH_USER.replaceAll("${{ '${{' }}", '${{'), user);
    const { image } = parse(gitlab) as {
      readonly image: { readonly variables: { readonly BERTH_USER: { readonly value: string } } };
    };
    assert.equal(image.variables.BERTH_USER.value, user);
  }
});

test('no command has the token in it', () => {
  const { docker, github, gitlab } = textsOf('ci');

  for (const text of [docker, github, gitlab]) assert.doesNotMatch(text ?? '', /s3cret/);
});
