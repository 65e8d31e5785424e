/** What to type to bring an image into the registry with an engine. */
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { shellWord } from '../../shell.ts';

/** The program that people use with each kind of engine; the others are docker's, or clusters. */
const programs: Readonly<Record<string, string>> = {
  podman: 'podman',
  'podman-machine': 'podman',
  containerd: 'nerdctl',
};
const clusters: ReadonlySet<string> = new Set(['kind', 'k3d', 'minikube', 'microk8s']);

/** An image of the engine, and the name that it gets. */
export interface NamedHere {
  readonly image: string;
  readonly target: string;
}

const anyImage: NamedHere = { image: 'app:1', target: 'app:1' };

/** Tag, push, pull, one a line; of a cluster, which only pulls, the line of its configuration. */
export function recipeOf(
  kind: EngineRow['kind'],
  address: string,
  { image, target }: NamedHere = anyImage,
): string {
  const name = `${address}/${target}`;
  if (clusters.has(kind)) return `image: ${name}`;
  if (kind === 'buildkit') return `docker buildx build --push -t ${name} .`;
  const program = programOf(kind);
  return [
    `${program} tag ${shellWord(image)} ${name}`,
    `${program} push ${name}`,
    `${program} pull ${name}`,
  ].join('\n');
}

/** Login, tag, push, one a line. */
export function firstPushOf(
  kind: EngineRow['kind'],
  address: string,
  user: string,
  image?: NamedHere,
): string {
  const program = programOf(kind);
  const [tag = '', push = ''] = recipeOf(programKind(kind), address, image).split('\n');
  return [`${program} login -u ${shellWord(user)} ${address}`, tag, push].join('\n');
}

/** What people type for an engine of the kind. */
export function programOf(kind: EngineRow['kind']): string {
  return programs[kind] ?? 'docker';
}

/** A kind that has all three lines. */
function programKind(kind: string): string {
  return clusters.has(kind) || kind === 'buildkit' ? 'docker' : kind;
}
