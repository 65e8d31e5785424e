/** Where each kind of engine keeps what it trusts for one registry, and its configuration. */
import { posix, win32 } from 'node:path';
import { assertNever } from '../../../registry/spec/errors.ts';
import type { EngineKind } from '../engine.ts';
import type { Host } from '../host.ts';

/** A folder that holds a folder for each registry: `PATH/HOST:PORT/berth.crt`. */
export interface CertsFolder {
  readonly path: string;
  /** `engine`: a path inside the engine's virtual machine or container, not one of this computer. */
  readonly side: 'host' | 'engine';
  /** This user cannot write there. Always false on the engine's side: who may use its API may. */
  readonly needsRoot: boolean;
  readonly takesEffect: 'at once' | 'restart';
}

/** Answers where an engine of this kind looks for certificates; `undefined` where it knows no such folder. */
export function certsFolder(kind: EngineKind, host: Host): CertsFolder | undefined {
  const paths = pathOf(host);
  const system = (path: string): CertsFolder => ({
    path: host.platform === 'win32' ? path : host.systemPath(path),
    side: 'host',
    needsRoot: host.uid !== 0,
    takesEffect: 'at once',
  });
  const user = (path: string): CertsFolder => ({
    path,
    side: 'host',
    needsRoot: false,
    takesEffect: 'at once',
  });
  const inside = (path: string): CertsFolder => ({
    path,
    side: 'engine',
    needsRoot: false,
    takesEffect: 'at once',
  });
  switch (kind) {
    // Read at each request: moby registry/registry.go, ReadCertsDirectory; config_unix.go and config_windows.go.
    case 'docker':
      return host.platform === 'win32'
        ? system(paths.join(programData(host), 'docker', 'certs.d'))
        : system('/etc/docker/certs.d');
    // moby registry/config.go, CertsDir, when rootless.
    case 'docker-rootless':
      return user(paths.join(configHome(host), 'docker', 'certs.d'));
    // canonical/docker-snap pull request 51: $SNAP_DATA/etc/docker/certs.d.
    case 'docker-snap':
      return system('/var/snap/docker/current/etc/docker/certs.d');
    // docs.docker.com/desktop, "How do I add custom CA certificates": copied into the machine when Desktop starts.
    case 'docker-desktop':
      return { ...user(desktopCerts(host)), takesEffect: 'restart' };
    // Their dockerd is the classic one, in a virtual machine with an /etc of its own.
    case 'colima':
    case 'rancher-desktop':
    case 'orbstack':
    case 'docker-remote':
      return inside('/etc/docker/certs.d');
    // containers-certs.d(5). The folder of the user lies below HOME, whatever XDG_CONFIG_HOME says.
    case 'podman':
      return host.uid === 0
        ? system('/etc/containers/certs.d')
        : user(paths.join(host.home, '.config', 'containers', 'certs.d'));
    case 'podman-machine':
      return inside('/etc/containers/certs.d');
    // containerd docs/hosts.md: a folder with ca.crt and without hosts.toml is read as Docker reads it.
    case 'containerd':
      return system('/etc/containerd/certs.d');
    // kind-with-registry.sh of kind: the images of the nodes have config_path set to this folder.
    case 'kind':
      return inside('/etc/containerd/certs.d');
    // buildx create --buildkitd-config copies the certificates that buildkitd.toml names into this folder of the builder.
    case 'buildkit':
      return { ...inside('/etc/buildkit/certs'), takesEffect: 'restart' };
    // microk8s.io/docs/registry-private: followed by a restart of the snap.
    case 'microk8s':
      return { ...system('/var/snap/microk8s/current/args/certs.d'), takesEffect: 'restart' };
    // k3d reads registries.yaml, minikube embeds every file of its certs folder at start.
    case 'k3d':
    case 'minikube':
      return undefined;
    default:
      return assertNever(kind);
  }
}

/** The folders of this computer in which an engine of this kind looks, in its order: the first that is there counts. */
export function trustFolders(kind: EngineKind, host: Host): readonly string[] {
  // abiosoft/colima environment/vm/lima/certs.go: copied at each start.
  if (kind === 'colima') return [desktopCerts(host)];
  if (kind === 'podman') {
    // containers/image docker/docker_client.go, dockerCertDir.
    return [
      pathOf(host).join(host.home, '.config', 'containers', 'certs.d'),
      host.systemPath('/etc/containers/certs.d'),
      host.systemPath('/etc/docker/certs.d'),
    ];
  }
  const folder = certsFolder(kind, host);
  return folder?.side === 'host' ? [folder.path] : [];
}

/** The file for the authority's certificate in such a folder. */
export function certificatePath(folder: CertsFolder, address: string, host: Host): string {
  const paths = folder.side === 'engine' ? posix : pathOf(host);
  return paths.join(
    folder.path,
    folder.side === 'engine' ? address : registryFolder(address, host),
    'berth.crt',
  );
}

/** The name of the folder of one registry. Windows has no colon in names: moby registry/config_windows.go, cleanPath. */
export function registryFolder(address: string, host: Host): string {
  return host.platform === 'win32' ? address.replaceAll(':', '') : address;
}

/**
 * Answers the daemon.json that an engine of this kind reads; `undefined` where it has none on this computer that stays
 * as it is written. Colima and Rancher Desktop write the file in their virtual machine anew at each start.
 */
export function daemonJsonPath(kind: EngineKind, host: Host): string | undefined {
  const paths = pathOf(host);
  switch (kind) {
    // docs.docker.com/engine/daemon, "Daemon configuration file".
    case 'docker':
      return host.platform === 'win32'
        ? paths.join(programData(host), 'docker', 'config', 'daemon.json')
        : host.systemPath('/etc/docker/daemon.json');
    case 'docker-rootless':
      return paths.join(configHome(host), 'docker', 'daemon.json');
    // The README of canonical/docker-snap.
    case 'docker-snap':
      return host.systemPath('/var/snap/docker/current/config/daemon.json');
    // docs.docker.com/desktop/settings, "Docker Engine".
    case 'docker-desktop':
      return paths.join(host.home, '.docker', 'daemon.json');
    // docs.orbstack.dev/docker, "Engine config".
    case 'orbstack':
      return paths.join(host.home, '.orbstack', 'config', 'docker.json');
    case 'docker-remote':
    case 'colima':
    case 'rancher-desktop':
    case 'podman':
    case 'podman-machine':
    case 'containerd':
    case 'buildkit':
    case 'kind':
    case 'k3d':
    case 'minikube':
    case 'microk8s':
      return undefined;
    default:
      return assertNever(kind);
  }
}

/** The folder of certificates that minikube embeds at `minikube start --embed-certs`: no folders in it, *.pem. */
export function minikubeCerts(host: Host): string {
  return pathOf(host).join(minikubeHome(host), 'certs');
}

/** Where minikube keeps its state: k8s.io/minikube/pkg/minikube/localpath, MiniPath. */
export function minikubeHome(host: Host): string {
  const paths = pathOf(host);
  const home = host.env['MINIKUBE_HOME'] ?? host.home;
  return paths.basename(home) === '.minikube' ? home : paths.join(home, '.minikube');
}

/** The rules of paths on that computer. */
export function pathOf(host: Host): typeof posix {
  return host.platform === 'win32' ? win32 : posix;
}

/** XDG base directory specification, XDG_CONFIG_HOME. */
export function configHome(host: Host): string {
  return host.env['XDG_CONFIG_HOME'] || pathOf(host).join(host.home, '.config');
}

function desktopCerts(host: Host): string {
  return pathOf(host).join(host.home, '.docker', 'certs.d');
}

function programData(host: Host): string {
  return host.env['ProgramData'] ?? String.raw`C:\ProgramData`;
}
