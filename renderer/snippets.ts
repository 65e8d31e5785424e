/** What a person copies to use something of this registry with a client. Pure; nothing here holds a password. */
import { formatReference } from './format.ts';
import { shellWord } from './shell.ts';

export const clients = [
  { id: 'docker', label: 'Docker' },
  { id: 'podman', label: 'Podman' },
  { id: 'nerdctl', label: 'nerdctl' },
  { id: 'skopeo', label: 'Skopeo' },
  { id: 'crane', label: 'crane' },
  { id: 'oras', label: 'ORAS' },
  { id: 'helm', label: 'Helm' },
  { id: 'kubernetes', label: 'Kubernetes' },
  { id: 'compose', label: 'Compose' },
] as const;
export type ClientId = (typeof clients)[number]['id'];

export interface SnippetInput {
  /** HOST:PORT, as the client reaches the registry. */
  readonly address: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly client: ClientId;
  /** Who logs in; left out where the client has to ask. */
  readonly user?: string;
}

export interface Snippet {
  /** `get` takes the image or names it where it is used; `put` sends one from this computer. */
  readonly purpose: 'get' | 'put' | 'login';
  readonly title: string;
  readonly language: 'sh' | 'yaml';
  /** Without a line break at the end. */
  readonly text: string;
}

/**
 * What one client needs, the snippet that gets the image first. To a digest nothing can be put; Kubernetes and Compose only
 * name the image. Commands that log in ask for the password.
 */
export function snippets(input: SnippetInput): readonly Snippet[] {
  const { address, repository, reference, client, user } = input;
  const isDigest = reference.includes(':');
  const name = `${address}/${formatReference(repository, reference)}`;
  const image = shellWord(name);
  const get = (title: string, text: string, language: Snippet['language'] = 'sh'): Snippet => ({
    purpose: 'get',
    title,
    language,
    text,
  });
  const put = (...lines: readonly string[]): readonly Snippet[] =>
    isDigest ? [] : [{ purpose: 'put', title: 'Push', language: 'sh', text: lines.join('\n') }];
  const logIn = (command: string): Snippet => ({
    purpose: 'login',
    title: 'Log in',
    language: 'sh',
    text: [
      command,
      ...(user === undefined ? [] : [`--username ${shellWord(user)}`]),
      shellWord(address),
    ].join(' '),
  });

  switch (client) {
    case 'docker':
    case 'podman':
    case 'nerdctl': {
      const local = isDigest ? '' : shellWord(`${lastPart(repository)}:${reference}`);
      return [
        get('Pull', `${client} pull ${image}`),
        ...put(`${client} tag ${local} ${image}`, `${client} push ${image}`),
        logIn(`${client} login`),
      ];
    }
    case 'skopeo': {
      const file = shellWord(`oci-archive:${fileName(repository, reference)}.tar`);
      const remote = shellWord(`docker://${name}`);
      return [
        get('Copy to a file', `skopeo copy --all ${remote} ${file}`),
        ...put(`skopeo copy --all ${file} ${remote}`),
        logIn('skopeo login'),
      ];
    }
    case 'crane': {
      const file = shellWord(`${fileName(repository, reference)}.tar`);
      return [
        get('Pull', `crane pull ${image} ${file}`),
        ...put(`crane push ${file} ${image}`),
        logIn('crane auth login'),
      ];
    }
    case 'oras':
      return [get('Pull', `oras pull ${image}`), ...put(`oras push ${image} ./file`), logIn('oras login')];
    case 'helm': {
      const chart = `oci://${address}/${repository}`;
      // Helm takes the version from its own option; a digest belongs to the name.
      const pulled = isDigest
        ? shellWord(`${chart}@${reference}`)
        : `${shellWord(chart)} --version ${shellWord(reference.replaceAll('_', '+'))}`;
      const folder = repository.split('/').slice(0, -1);
      const target = shellWord(['oci:/', address, ...folder].join('/'));
      const file = shellWord(`${lastPart(repository)}-${reference}.tgz`);
      return [
        get('Pull', `helm pull ${pulled}`),
        ...put(`helm push ${file} ${target}`),
        logIn('helm registry login'),
      ];
    }
    case 'kubernetes':
      return [get('Image line of a container', `image: ${yamlText(name)}`, 'yaml')];
    case 'compose':
      return [get('Image line of a service', `image: ${yamlText(name)}`, 'yaml')];
    default:
      return client satisfies never;
  }
}

/** The one thing that a client needs to get the image. */
export function getSnippet(input: Omit<SnippetInput, 'user'>): string {
  return snippets(input)[0]?.text ?? '';
}

/** The client of that id; Docker where nobody knows it. */
export function clientOf(id: string): ClientId {
  return clients.find((each) => each.id === id)?.id ?? 'docker';
}

function lastPart(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}

function fileName(repository: string, reference: string): string {
  const version = reference.replace(/^[^:]*:/, '').slice(0, reference.includes(':') ? 12 : undefined);
  return `${lastPart(repository)}-${version}`;
}

/** A scalar of YAML. Addresses in brackets, and what looks like something else than a text, need quotes. */
function yamlText(value: string): string {
  return /^[a-zA-Z0-9][\w@:./-]*$/.test(value) && !value.endsWith(':') ? value : JSON.stringify(value);
}
