/**
 * What the owner of a password or token does with it, where. Pure. Command lines never have the secret in their arguments:
 * they read it from a variable that the shell itself has read, or take it from a file.
 */
import { shellWord } from '../../shell.ts';

export interface Snippet {
  readonly id: string;
  readonly label: string;
  /** What to do with the text. */
  readonly help: string;
  readonly text: string;
}

export interface Credentials {
  readonly user: string;
  readonly secret: string;
  /** HOST:PORT, as clients reach the registry. */
  readonly address: string;
}

/** Reads the secret from the terminal; `read` and `printf` are parts of the shell, and in no list of processes. */
export function dockerLogin(user: string, address: string): string {
  // One command over three lines: a shell reads all of it before `read` takes the next line for the secret.
  return [
    '(read -rs PASSWORD &&',
    '  printf %s "$PASSWORD" |',
    `  docker login --username ${shellWord(user)} --password-stdin ${shellWord(address)})`,
  ].join('\n');
}

/** Answers the ways to use a token. */
export function tokenSnippets(credentials: Credentials): readonly Snippet[] {
  const { user, address } = credentials;
  return [
    {
      id: 'docker',
      label: 'Docker',
      help: 'It waits for the token: paste it and press Enter.',
      text: dockerLogin(user, address),
    },
    {
      id: 'config',
      label: 'config.json',
      help: 'For ~/.docker/config.json, or the auth.json of Podman, Buildah and Skopeo. The token is in it, not encrypted.',
      text: JSON.stringify({ auths: { [address]: { auth: authOf(credentials) } } }, undefined, 2),
    },
    {
      id: 'kubernetes',
      label: 'Kubernetes',
      help: 'Save it as a file and run kubectl apply -f FILE, or paste it into kubectl apply -f -. Pods name it as imagePullSecrets: [{ name: berth }]. The token is in it, not encrypted.',
      text: kubernetesSecret(credentials),
    },
    {
      id: 'github',
      label: 'GitHub Actions',
      help: 'A step of a job. Make the secret BERTH_TOKEN with the token; the runner has to reach the registry.',
      text: githubStep(credentials),
    },
    {
      id: 'gitlab',
      label: 'GitLab CI',
      help: 'A job of .gitlab-ci.yml. Make the masked variable BERTH_TOKEN with the token; the runner has to reach the registry.',
      text: gitlabJob(credentials),
    },
  ];
}

function authOf({ user, secret }: Credentials): string {
  return base64(`${user}:${secret}`);
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function kubernetesSecret(credentials: Credentials): string {
  const { user, secret, address } = credentials;
  const entry = { username: user, password: secret, auth: authOf(credentials) };
  return [
    'apiVersion: v1',
    'kind: Secret',
    'metadata:',
    '  name: berth',
    'type: kubernetes.io/dockerconfigjson',
    'data:',
    `  .dockerconfigjson: ${base64(JSON.stringify({ auths: { [address]: entry } }))}`,
  ].join('\n');
}

function githubStep({ user, address }: Credentials): string {
  return [
    '- name: Log in',
    '  env:',
    `    BERTH_USER: ${github(user)}`,
    '    BERTH_TOKEN: ${{ secrets.BERTH_TOKEN }}',
    `  run: printf %s "$BERTH_TOKEN" | docker login --username "$BERTH_USER" --password-stdin ${shellWord(address)}`,
  ].join('\n');
}

function gitlabJob({ user, address }: Credentials): string {
  const login = `printf %s "$BERTH_TOKEN" | docker login --username "$BERTH_USER" --password-stdin ${shellWord(address)}`;
  return [
    'image:',
    '  variables:',
    // GitLab would put variables into the value.
    `    BERTH_USER: { value: ${JSON.stringify(user)}, expand: false }`,
    '  script:',
    `    - ${JSON.stringify(login)}`,
  ].join('\n');
}

/** A value of a workflow, where `${{` would begin an expression. */
function github(text: string): string {
  return JSON.stringify(text.replaceAll('${{', "${{ '${{' }}"));
}
