/** Kinds of container engines that people push with, by the API that they speak. */
export const dockerKinds = [
  'docker',
  'docker-rootless',
  'docker-snap',
  'docker-desktop',
  'docker-remote',
  'colima',
  'rancher-desktop',
  'orbstack',
] as const;
export const podmanKinds = ['podman', 'podman-machine'] as const;
