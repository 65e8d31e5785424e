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

/** Tag, push, pull, one a line; of a cluster, which only pulls, the line of its configuration. */
export function recipeOf(kind: EngineRow['kind'], address: string, image = 'app:1'): string {
  if (clusters.has(kind)) return `image: ${address}/${image}`;
  if (kind === 'buildkit') return `docker buildx build --push -t ${address}/${image} .`;
  const program = programOf(kind);
  const name = `${address}/${image}`;
  return [`${program} tag ${image} ${name}`, `${program} push ${name}`, `${program} pull ${name}`].join('\n');
}

/** Login, tag, push, one a line. */
export function firstPushOf(kind: EngineRow['kind'], address: string, user: string): string {
  const program = programOf(kind);
  const [tag = '', push = ''] = recipeOf(programKind(kind), address).split('\n');
  return [`${program} login -u ${shellWord(user)} ${address}`, tag, push].join('\n');
}

function programOf(kind: EngineRow['kind']): string {
  return programs[kind] ?? 'docker';
}

/** A kind that has all three lines. */
function programKind(kind: string): string {
  return clusters.has(kind) || kind === 'buildkit' ? 'docker' : kind;
}
