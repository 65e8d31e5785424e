import { localUrl } from '../spec/local-url.ts';

/** What a person reads when the registry has started. */
export interface Started {
  readonly urls: readonly string[];
  /** The address of the window for browsers, if it is switched on. */
  readonly ui?: string | undefined;
  /** The data directory. */
  readonly root: string;
  /** The first user, if it was made now. */
  readonly user?: string | undefined;
  /** Its password, or where that lies. */
  readonly password?: string | undefined;
}

/** Addresses, data, first user, and the commands for docker. */
export function greeting({ urls, ui, root, user, password }: Started): string {
  const { hostname, port } = new URL(localUrl(urls[0] ?? ''));
  const address = `${hostname}:${port}`;
  const lines = [
    '',
    `  Berth is running at https://${address}`,
    ...(ui === undefined ? [] : [`  Window: ${ui}`]),
    ...(ui === undefined || user === undefined
      ? []
      : ['          Browsers do not know its certificate, and ask about it once.']),
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
