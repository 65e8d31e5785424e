/** What a person reads when the registry has started. */
export interface Started {
  readonly urls: readonly string[];
  /** The data directory. */
  readonly root: string;
  /** The first user, if it was made now. */
  readonly user?: string | undefined;
  /** Its password, or where that lies. */
  readonly password?: string | undefined;
}

/** Address, data, first user, and the commands for docker. */
export function greeting({ urls, root, user, password }: Started): string {
  const { hostname, port } = new URL(urls[0] ?? '');
  const isLocal = /^(?:127\.|0\.0\.0\.0$|\[::1?\]$)/.test(hostname);
  const address = `${isLocal ? 'localhost' : hostname}:${port}`;
  const lines = [
    '',
    `  Berth is running at https://${address}`,
    `  Data: ${root}`,
    ...(user === undefined || password === undefined
      ? []
      : ['', `  User:     ${user}`, `  Password: ${password}`]),
    '',
    `  docker login ${user === undefined ? '' : `-u ${user} `}${address}`,
    `  docker tag IMAGE ${address}/IMAGE`,
    `  docker push ${address}/IMAGE`,
    `  docker pull ${address}/IMAGE`,
    '',
    '',
  ];
  return lines.join('\n');
}
