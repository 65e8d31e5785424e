/** What a person copies to get something of this registry with a client. */
import type { ArtifactKind } from '../registry/spec/kinds.ts';
import { formatReference } from './format.ts';
import { shellLine } from './shell.ts';

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
}

/** The command that gets it; for Kubernetes and Compose the line that names it. Without a line break at the end. */
export function getSnippet({ address, repository, reference, client }: SnippetInput): string {
  const isDigest = reference.includes(':');
  const name = `${address}/${formatReference(repository, reference)}`;
  switch (client) {
    case 'docker':
    case 'podman':
    case 'nerdctl':
    case 'oras':
      return shellLine(client, 'pull', name);
    case 'skopeo':
      return shellLine(
        'skopeo',
        'copy',
        '--all',
        `docker://${name}`,
        `oci-archive:${fileName(repository, reference)}.tar`,
      );
    case 'crane':
      return shellLine('crane', 'pull', name, `${fileName(repository, reference)}.tar`);
    case 'helm': {
      const chart = `oci://${address}/${repository}`;
      // Helm takes the version from its own option, where a tag's underscore is a plus; a digest belongs to the name.
      return isDigest
        ? shellLine('helm', 'pull', `${chart}@${reference}`)
        : shellLine('helm', 'pull', chart, '--version', reference.replaceAll('_', '+'));
    }
    case 'kubernetes':
    case 'compose':
      return `image: ${yamlText(name)}`;
    default:
      return client satisfies never;
  }
}

/** Whose command is copied where nobody has said: images for the client that is liked, everything else for its own. */
export function clientFor(kind: ArtifactKind, liked: string): ClientId {
  if (kind === 'helm') return 'helm';
  return kind === 'image' ? (clients.find((each) => each.id === liked)?.id ?? 'docker') : 'oras';
}

function fileName(repository: string, reference: string): string {
  const version = reference.includes(':') ? reference.replace(/^[^:]*:/, '').slice(0, 12) : reference;
  return `${repository.slice(repository.lastIndexOf('/') + 1)}-${version}`;
}

/** A scalar of YAML. An address in brackets needs quotes. */
function yamlText(value: string): string {
  return /^[a-zA-Z0-9][\w@:./-]*$/.test(value) ? value : JSON.stringify(value);
}
